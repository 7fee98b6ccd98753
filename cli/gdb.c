/*
 * `rundown debug --gdb PORT`: one session with gdb over a socket of this machine's own: whoever connects may read what the
 * failure holds, so nobody else can.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cli.h"
#include "debug/gdb.h"

struct connection {
    int socket;
    bool broken;
};

static void transmit(void *context, const char *bytes, size_t n)
{
    struct connection *c = context;
    while (n > 0 && !c->broken) {
        ssize_t sent = send(c->socket, bytes, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        c->broken = sent <= 0;
        bytes += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
    }
}

static bool interrupted(void *context)
{
    struct connection *c = context;
    struct pollfd p = {.fd = c->socket, .events = POLLIN};
    char byte;
    if (poll(&p, 1, 0) <= 0)
        return false;
    ssize_t n = recv(c->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 1 && byte == 3)
        return recv(c->socket, &byte, 1, 0) == 1;
    return n == 0;
}

static bool fail(struct error *e, const char *what, uint64_t port)
{
    return error_set(e, ERROR_INPUT, "--gdb: cannot %s port %llu of 127.0.0.1: %s", what, (unsigned long long)port,
                     strerror(errno));
}

/* Port 0: a free one. */
static bool wait_for_gdb(unsigned port, struct connection *c, struct error *e)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof address;
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0)
        return fail(e, "use", port);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool good = (bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0 &&
                 getsockname(listener, (struct sockaddr *)&address, &size) == 0) ||
                fail(e, "listen on", port);
    if (good) {
        printf("Waiting for gdb: target remote 127.0.0.1:%u\n", ntohs(address.sin_port));
        fflush(stdout);
        do
            c->socket = accept(listener, NULL, NULL);
        while (c->socket < 0 && errno == EINTR);
        good = c->socket >= 0 || fail(e, "accept on", port);
    }
    close(listener);
    if (good)
        setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return good;
}

bool cli_serve_gdb(struct debugger *d, unsigned port, struct error *e)
{
    struct connection c = {.socket = -1};
    char bytes[4096];
    if (!wait_for_gdb(port, &c, e))
        return false;
    struct gdb *g = gdb_open(d, &(struct gdb_link){&c, transmit, interrupted});
    for (bool more = true; more && !c.broken;) {
        ssize_t n = recv(c.socket, bytes, sizeof bytes, 0);
        if (n > 0)
            more = gdb_receive(g, bytes, (size_t)n);
        else if (n == 0 || errno != EINTR)
            more = false;
    }
    gdb_close(g);
    close(c.socket);
    return true;
}
