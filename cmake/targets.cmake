# What is shipped: the program `hilo` and the client library `libhilo.so`.
if(EXISTS ${CMAKE_SOURCE_DIR}/src/cli/hilo_main.cpp)
  add_executable(hilo ${CMAKE_SOURCE_DIR}/src/cli/hilo_main.cpp)
  target_link_libraries(hilo PRIVATE hilo_cli)
  target_link_options(hilo PRIVATE -static-libstdc++ -static-libgcc)
endif()

# Fuzz targets that test no module: the canary, which must fail.
if(HILO_FUZZ)
  add_executable(canary_fuzz ${CMAKE_SOURCE_DIR}/tests/fuzz/canary_fuzz.cpp)
  target_link_libraries(canary_fuzz PRIVATE hilo_flags)
  target_compile_options(canary_fuzz PRIVATE -fsanitize=fuzzer)
  target_link_options(canary_fuzz PRIVATE -fsanitize=fuzzer)
endif()
