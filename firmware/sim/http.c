#include "http.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define DEADLINE_S 30
#define CHUNK 65536

bool http_parse_url(const char *url, http_server *server) {
    server->port = 80;
    return sscanf(url, "http://%127[^:/]:%d", server->host, &server->port) >= 1;
}

static int connected(const http_server *server) {
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM}, *found;
    struct timeval deadline = {DEADLINE_S, 0};
    char port[8];
    snprintf(port, sizeof port, "%d", server->port);
    if (getaddrinfo(server->host, port, &wanted, &found) != 0) {
        return -1;
    }
    int connection = -1;
    for (struct addrinfo *at = found; at != NULL && connection < 0; at = at->ai_next) {
        connection = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
        if (connect(connection, at->ai_addr, at->ai_addrlen) != 0) {
            close(connection);
            connection = -1;
        }
    }
    freeaddrinfo(found);
    return connection;
}

static bool sent(int connection, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t part = send(connection, bytes, length, MSG_NOSIGNAL);
        if (part <= 0) {
            return false;
        }
        bytes += part;
        length -= (size_t)part;
    }
    return true;
}

static char *received(int connection, size_t *length) {
    char *bytes = malloc(CHUNK + 1);
    size_t size = CHUNK;
    *length = 0;
    for (;;) {
        ssize_t part = recv(connection, bytes + *length, size - *length, 0);
        if (part <= 0) {
            break;
        }
        *length += (size_t)part;
        if (*length == size) {
            size *= 2;
            bytes = realloc(bytes, size + 1);
        }
    }
    bytes[*length] = 0;
    return bytes;
}

static http_result parsed(char *bytes, size_t length) {
    http_result result = {0};
    char *end = strstr(bytes, "\r\n\r\n");
    if (end == NULL || sscanf(bytes, "HTTP/1.%*d %d", &result.status) != 1) {
        free(bytes);
        return (http_result){0};
    }
    *end = 0;
    for (char *header = strchr(bytes, '\n'); header != NULL; header = strchr(header, '\n')) {
        if (strncasecmp(++header, "Retry-After:", 12) == 0) {
            result.retry_after_s = (uint32_t)atoi(header + 12);
        }
    }
    result.length = length - (size_t)(end + 4 - bytes);
    memmove(bytes, end + 4, result.length + 1);
    result.body = bytes;
    return result;
}

http_result http_call(const http_server *server, const char *path, const char *token,
                      const char *accept, const char *body, size_t length) {
    char head[2048];
    int connection = connected(server);
    if (connection < 0) {
        return (http_result){0};
    }
    int size = snprintf(head, sizeof head,
                        "%s %s HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\nAccept: %s\r\n"
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n%s%s%s\r\n",
                        body == NULL ? "GET" : "POST", path, server->host, server->port,
                        accept == NULL ? "application/json" : accept, length,
                        token == NULL ? "" : "Authorization: Bearer ", token == NULL ? "" : token,
                        token == NULL ? "" : "\r\n");
    http_result result = {0};
    if (sent(connection, head, (size_t)size) && sent(connection, body, body == NULL ? 0 : length)) {
        size_t got;
        char *bytes = received(connection, &got);
        result = parsed(bytes, got);
    }
    close(connection);
    return result;
}
