# What is shipped: the program `hilo` and the client library `libhilo.so`.
if(EXISTS ${CMAKE_SOURCE_DIR}/src/cli/hilo_main.cpp)
  add_executable(hilo ${CMAKE_SOURCE_DIR}/src/cli/hilo_main.cpp)
  target_link_libraries(hilo PRIVATE hilo_cli)
  target_link_options(hilo PRIVATE -static-libstdc++ -static-libgcc)
endif()

# The client library: what C, C++ and Python programs link. Its C++ runtime is inside, and nothing but
# the hilo_ functions is visible, so it gets along with whatever else the program has loaded.
target_compile_definitions(hilo_client PRIVATE HILO_VERSION="${PROJECT_VERSION}")
add_library(hilo_shared SHARED $<TARGET_OBJECTS:hilo_client>)
# Of the tokenizer only what its C interface needs; -u asks for that.
target_link_libraries(hilo_shared PRIVATE -Wl,-u,hilo_tokenizer_open hilo_client hilo_tokenizer)
set_target_properties(hilo_shared PROPERTIES
  OUTPUT_NAME hilo VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE CXX
  LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/libhilo.map)
target_link_options(hilo_shared PRIVATE
  -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/libhilo.map -Wl,--no-undefined)
if(NOT HILO_SANITIZE)
  target_link_options(hilo_shared PRIVATE -static-libstdc++ -static-libgcc)
endif()
target_include_directories(hilo_shared INTERFACE ${CMAKE_SOURCE_DIR}/include)

# Fuzz targets that test no module: the canary, which must fail.
if(HILO_FUZZ)
  add_executable(canary_fuzz ${CMAKE_SOURCE_DIR}/tests/fuzz/canary_fuzz.cpp)
  target_link_libraries(canary_fuzz PRIVATE hilo_flags)
  target_compile_options(canary_fuzz PRIVATE -fsanitize=fuzzer)
  target_link_options(canary_fuzz PRIVATE -fsanitize=fuzzer)
endif()
