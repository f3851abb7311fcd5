/* lwIP's sockets are POSIX's as far as the port goes; here the host's stand in for them. */
#pragma once
#include <netinet/in.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
