/* The smallest C program: one text in, one vector out.
 *
 *   hilo serve --model DIR &
 *   LIB=$PWD/build/release/lib
 *   cc -Iinclude examples/c/client.c -L$LIB -Wl,-rpath,$LIB -lhilo -o client
 *   ./client "resize photos from the command line"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hilo/hilo.h>

int main(int argc, char** argv) {
  const char* text = argc > 1 ? argv[1] : "resize photos from the command line";
  hilo_client* client;
  /* The channel that `hilo run` gave this program, or else the engine that `hilo serve` started. */
  if (hilo_open(&client) != HILO_OK && hilo_connect(NULL, HILO_HIGH, &client) != HILO_OK) {
    fprintf(stderr, "%s\n", hilo_last_error());
    return 1;
  }
  hilo_info_t info;
  hilo_info(client, &info);
  float* vector = malloc(info.dims * sizeof(float));
  if (vector == NULL ||
      hilo_embed(client, HILO_HIGH, text, strlen(text), vector, info.dims) != HILO_OK) {
    fprintf(stderr, "%s\n", hilo_last_error());
    free(vector);
    hilo_close(client);
    return 1;
  }
  printf("%u floats: %.4f %.4f %.4f ...\n", info.dims, vector[0], vector[1], vector[2]);
  free(vector);
  hilo_close(client);
  return 0;
}
