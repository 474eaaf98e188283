# The GPU's kernels, compiled for the host and for a GPU that is played there, for tests.
if(HILO_TESTS)
  file(GLOB cuda_kernels CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/backend/cuda/kernels/*.cu)
  file(GLOB cuda_host CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/backend/cuda/host/*.cpp
    ${CMAKE_SOURCE_DIR}/src/backend/tensorrt/host/*.cpp)
  list(FILTER cuda_host EXCLUDE REGEX "/host_plugin\\.cpp$")
  set_source_files_properties(${cuda_kernels} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-O2")
  add_library(hilo_cuda_host STATIC ${cuda_kernels} ${cuda_host})
  target_link_libraries(hilo_cuda_host PUBLIC hilo_backend PRIVATE ${HILO_THIRD_PARTY})
  target_link_libraries(backend_test PRIVATE hilo_cuda_host)
  # The same as a plug-in, with which tests start whole programs.
  if(NOT HILO_SANITIZE)
    add_library(hilo_cuda_host_plugin MODULE
      ${CMAKE_SOURCE_DIR}/src/backend/cuda/host/host_plugin.cpp)
    set_target_properties(hilo_cuda_host_plugin PROPERTIES OUTPUT_NAME hilo_cuda_host)
    target_link_libraries(hilo_cuda_host_plugin PRIVATE hilo_cuda_host ${HILO_THIRD_PARTY})
    target_link_options(hilo_cuda_host_plugin PRIVATE -Wl,--no-undefined)
    add_dependencies(tests hilo_cuda_host_plugin)
  endif()
endif()

# What is carried to a machine that has a GPU and little else, so it needs no library but C's.
if(HILO_TESTS AND NOT HILO_SANITIZE)
  file(GLOB gpu_test_sources CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/src/backend/cuda/device/*_test.cpp)
  add_executable(gpu_test ${gpu_test_sources})
  target_link_libraries(gpu_test PRIVATE hilo_cuda_host GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(gpu_test PRIVATE HILO_SOURCE_DIR="${CMAKE_SOURCE_DIR}")

  file(GLOB gpu_bench_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/gpu/*.cpp)
  add_executable(hilo-bench-gpu ${gpu_bench_sources})
  target_include_directories(hilo-bench-gpu PRIVATE ${CMAKE_SOURCE_DIR}/bench)
  target_link_libraries(hilo-bench-gpu PRIVATE hilo_backend)

  foreach(program gpu_test hilo-bench-gpu)
    target_link_libraries(${program} PRIVATE ${HILO_THIRD_PARTY} ${CMAKE_DL_LIBS})
    target_link_options(${program} PRIVATE -static-libstdc++ -static-libgcc)
  endforeach()

  add_dependencies(tests gpu_test hilo-bench-gpu)
  add_test(NAME gpu.tests COMMAND gpu_test)
  set_tests_properties(gpu.tests PROPERTIES LABELS gpu TIMEOUT 600
    SKIP_REGULAR_EXPRESSION "tests on a GPU are skipped")
  add_test(NAME gpu.check_runs_dry
    COMMAND ${CMAKE_SOURCE_DIR}/tools/gpu_check.py --dry-run --programs ${CMAKE_BINARY_DIR}
      --out ${CMAKE_BINARY_DIR}/gpu-check)
  set_tests_properties(gpu.check_runs_dry PROPERTIES LABELS gpu TIMEOUT 120)
endif()

# The plug-in libhilo_cuda.so, where there is a toolkit. hilo finds it beside itself, and does
# without. Everything is one source to nvcc, which spends most of its time on headers.
find_program(NVCC nvcc PATHS /usr/local/cuda/bin)
find_library(CUBLASLT cublasLt PATHS /usr/local/cuda/lib64)
set(cuda_architectures 80 86 89 90 100 120)
if(NVCC AND CUBLASLT AND NOT HILO_SANITIZE)
  set(cuda_source ${CMAKE_SOURCE_DIR}/src/backend/cuda)
  set(cuda_plugin ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/libhilo_cuda.so)
  set(cuda_log ${CMAKE_BINARY_DIR}/ptxas.log)
  file(GLOB cuda_read CONFIGURE_DEPENDS ${cuda_source}/*.h ${cuda_source}/kernels/*
    ${cuda_source}/plugin/*)
  string(REPLACE ";" "," cuda_architecture_list "${cuda_architectures}")
  foreach(architecture ${cuda_architectures})
    list(APPEND cuda_targets -gencode arch=compute_${architecture},code=sm_${architecture})
  endforeach()
  # The newest is also there as PTX, for GPUs that come later.
  list(APPEND cuda_targets -gencode arch=compute_120,code=compute_120)
  add_custom_command(OUTPUT ${cuda_plugin}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}
    COMMAND ${NVCC} -std=c++20 -O3 -I${CMAKE_SOURCE_DIR}/src -shared -cudart static
      -Xcompiler -fPIC,-fvisibility=hidden -Xptxas -v --threads 2 ${cuda_targets}
      -o ${cuda_plugin} ${cuda_source}/plugin/plugin.cu ${CUBLASLT} > ${cuda_log} 2>&1
      || ${CMAKE_COMMAND} -E rm -f ${cuda_plugin}  # The next command tells why.
    COMMAND ${CMAKE_SOURCE_DIR}/tools/check_ptxas.py ${cuda_log}
      ${cuda_source}/kernels/ptxas.tsv --architectures ${cuda_architecture_list}
    DEPENDS ${cuda_read}
      ${CMAKE_SOURCE_DIR}/tools/check_ptxas.py
    COMMENT "Compiling the CUDA plug-in" VERBATIM)
  add_custom_target(cuda_plugin DEPENDS ${cuda_plugin})
else()
  message(STATUS "No CUDA toolkit (nvcc, cuBLASLt): libhilo_cuda.so is not built")
endif()
