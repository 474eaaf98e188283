# What is shipped: the program `hilo` and the client library `libhilo.so`.
if(EXISTS ${CMAKE_SOURCE_DIR}/src/cli/hilo_main.cpp)
  add_executable(hilo ${CMAKE_SOURCE_DIR}/src/cli/hilo_main.cpp)
  target_link_libraries(hilo PRIVATE hilo_cli)
  target_link_options(hilo PRIVATE -static-libstdc++ -static-libgcc)
endif()
