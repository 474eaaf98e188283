# The plug-in libhilo_tensorrt.so.MAJOR, where there is an SDK of TensorRT: TensorRT_ROOT names it,
# as CMake variable or in the environment. Only its headers are needed to build. The name has the
# major version, so that those of several lie beside each other.
find_path(TENSORRT_INCLUDE NvInferRuntime.h HINTS ${TensorRT_ROOT} $ENV{TensorRT_ROOT}
  PATH_SUFFIXES include include/x86_64-linux-gnu)
find_path(CUDA_INCLUDE cuda_runtime_api.h PATHS /usr/local/cuda/include)
find_library(CUDART_STATIC cudart_static PATHS /usr/local/cuda/lib64)
if(TENSORRT_INCLUDE AND CUDA_INCLUDE AND CUDART_STATIC AND NOT HILO_SANITIZE)
  # By the preprocessor: the number is behind other names in some versions.
  file(WRITE ${CMAKE_BINARY_DIR}/tensorrt_version.h
    "#include <NvInferVersion.h>\nhilo_tensorrt_major NV_TENSORRT_MAJOR\n")
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -E -P -x c++ -I${TENSORRT_INCLUDE}
    ${CMAKE_BINARY_DIR}/tensorrt_version.h OUTPUT_VARIABLE version COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE "^.*hilo_tensorrt_major ([0-9]+).*$" "\\1" tensorrt_major "${version}")
  message(STATUS "TensorRT ${tensorrt_major}: ${TENSORRT_INCLUDE}")

  add_library(tensorrt_plugin SHARED EXCLUDE_FROM_ALL
    ${CMAKE_SOURCE_DIR}/src/backend/tensorrt/plugin/plugin.cpp)
  set_target_properties(tensorrt_plugin PROPERTIES OUTPUT_NAME hilo_tensorrt
    SUFFIX ".so.${tensorrt_major}" NO_SONAME ON)
  target_include_directories(tensorrt_plugin SYSTEM PRIVATE ${TENSORRT_INCLUDE} ${CUDA_INCLUDE})
  target_link_libraries(tensorrt_plugin PRIVATE hilo_flags ${CUDART_STATIC} ${CMAKE_DL_LIBS} rt)
  target_link_options(tensorrt_plugin PRIVATE -static-libstdc++ -static-libgcc)
else()
  message(STATUS "No SDK of TensorRT (TensorRT_ROOT): libhilo_tensorrt.so is not built")
endif()
