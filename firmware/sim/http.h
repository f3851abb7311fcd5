/* HTTP/1.1 over a socket: one request a connection, with a deadline. Plain only, for loopback. */
#ifndef NOCTIS_SIM_HTTP_H
#define NOCTIS_SIM_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char host[128];
    int port;
} http_server;

typedef struct {
    int status;
    uint32_t retry_after_s;
    char *body; /* to be freed */
    size_t length;
} http_result;

bool http_parse_url(const char *url, http_server *server);
/* `accept` and `token` may be NULL; without a body it is a GET. Status 0: no answer. */
http_result http_call(const http_server *server, const char *path, const char *token,
                      const char *accept, const char *body, size_t length);

#endif
