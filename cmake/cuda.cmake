# The GPU's kernels, compiled for the host and for a GPU that is played there, for tests.
if(HILO_TESTS)
  file(GLOB cuda_kernels CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/backend/cuda/kernels/*.cu)
  file(GLOB cuda_host CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/backend/cuda/host/*.cpp)
  set_source_files_properties(${cuda_kernels} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-O2")
  add_library(hilo_cuda_host STATIC ${cuda_kernels} ${cuda_host})
  target_link_libraries(hilo_cuda_host PUBLIC hilo_backend PRIVATE ${HILO_THIRD_PARTY})
  target_link_libraries(backend_test PRIVATE hilo_cuda_host)
endif()
