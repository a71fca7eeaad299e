// A port and its work.
#include "ports.h"
#include "command-line.h"

enum { END = 0x04, PERIOD = 65521, PIECE = 16384 };

/// As console-bench has it: the bytes of one period, and again.
static uint8_t stream[PERIOD + PIECE];

void make_stream(void) {
    uint32_t state = 1;
    for (uint32_t i = 0; i < PERIOD; i++) {
        state = state * 1664525 + 1013904223;
        stream[i] = (uint8_t)(state >> 24);
    }
    for (uint32_t i = 0; i < PIECE; i++) stream[PERIOD + i] = stream[i];
}

bool port_set_up(struct port *port) {
    uint16_t queue = virtio_console_queue((uint32_t)(port - ports));
    return virtq_set_up(&port->receive, &console, queue, BUFFERS) && port->receive.size == BUFFERS
        && virtq_set_up(&port->transmit, &console, queue + 1, BUFFERS) && port->transmit.size == BUFFERS;
}

/// What stands behind `NAME=` on the command line, or NULL.
static const char *find_work(const char *text, const char *name) {
    while ((text = find_word(text, name))) {
        if (*text == '=') return text + 1;
        while (!is_end_of_word(text)) text++;
    }
    return NULL;
}

static bool parse_count(const char *text, const char *key, uint64_t *count) {
    const char *rest = text ? skip_prefix(text, key) : NULL;
    return rest && parse_number(&rest, count);
}

static void give_to_receive(struct port *port, uint16_t id) {
    virtq_offer(&port->receive, id, port->buffers[id], SIZE, VIRTQ_WRITABLE);
}

void port_begin(struct port *port, const char *text) {
    const char *work = find_work(text, port->name);
    if (parse_count(work, "send:", &port->left)) port->work = SEND;
    else if (parse_count(work, "push:", &port->left)) port->work = PUSH;
    else if (parse_count(work, "watch:", &port->left)) port->work = WATCH;
    else if (work && skip_prefix(work, "flood")) port->work = FLOOD;
    else if (work && skip_prefix(work, "echo")) port->work = ECHO;
    else if (work && skip_prefix(work, "leave")) port->work = LEAVE;
    port->is_known = true;
    if (port->work != ECHO) return;
    for (uint16_t id = 0; id < BUFFERS; id++) give_to_receive(port, id);
    virtq_publish(&port->receive);
}

/// One instruction: a host that interprets ring 0 pays for each.
static uint32_t find_end(const uint8_t *bytes, uint32_t length) {
    uint64_t rest = length;
    bool is_found;
    asm volatile("testl %%eax, %%eax; repne scasb"  // the test: not equal, should the length be 0
                 : "+D"(bytes), "+c"(rest), "=@cce"(is_found) : "a"(END) : "memory");
    return length - (uint32_t)rest - is_found;
}

static bool echo(struct port *port) {
    struct virtq_used buffer;
    bool is_moved = false;
    for (; virtq_take(&port->transmit, &buffer); is_moved = true) {
        if (!port->has_ended) give_to_receive(port, (uint16_t)buffer.id);
    }
    for (; !port->has_ended && virtq_take(&port->receive, &buffer); is_moved = true) {
        uint16_t id = (uint16_t)buffer.id;
        uint32_t length = buffer.length <= SIZE ? buffer.length : SIZE;
        uint32_t wanted = find_end(port->buffers[id], length);
        port->has_ended = wanted < length;
        port->received += wanted;
        port->sent += wanted;
        if (wanted) virtq_offer(&port->transmit, id, port->buffers[id], wanted, VIRTQ_READABLE);
        else if (!port->has_ended) give_to_receive(port, id);
    }
    virtq_publish(&port->transmit);
    virtq_publish(&port->receive);
    return is_moved;
}

static void send_piece(struct port *port, uint16_t id) {
    uint32_t length = port->work == FLOOD || port->left > PIECE ? PIECE : (uint32_t)port->left;
    virtq_offer(&port->transmit, id, stream + port->position, length, VIRTQ_READABLE);
    port->position = (port->position + length) % PERIOD;
    port->sent += length;
    if (port->work != FLOOD) port->left -= length;
}

static bool has_more(const struct port *port) {
    switch (port->work) {
        case SEND: return port->left && (port->is_open || port->sent);
        case PUSH: return port->left;
        case FLOOD: return true;
        default: return false;
    }
}

static bool send(struct port *port) {
    struct virtq_used buffer;
    bool is_moved = false;
    if (!port->sent) {
        for (uint16_t id = 0; id < BUFFERS && has_more(port); id++, is_moved = true) send_piece(port, id);
    }
    for (; virtq_take(&port->transmit, &buffer); is_moved = true) {
        if (has_more(port)) send_piece(port, (uint16_t)buffer.id);
    }
    virtq_publish(&port->transmit);
    return is_moved;
}

bool port_move(struct port *port) {
    if (!port->is_known) return false;
    return port->work == ECHO ? echo(port) : send(port);
}

bool port_is_done(const struct port *port) {
    switch (port->work) {
        case SEND: case PUSH: return !port->left && !virtq_under_way(&port->transmit);
        case ECHO: return port->has_ended && !virtq_under_way(&port->transmit);
        case WATCH: return !port->left;
        default: return port->is_known;
    }
}

/// Half of what is under way is worth an interrupt, at the end all of it; to an echo each buffer that comes.
bool port_ask(struct port *port) {
    uint16_t sent = virtq_under_way(&port->transmit);
    bool has_come = sent && virtq_ask(&port->transmit, has_more(port) ? (sent + 1) / 2 : sent);
    if (port->work == ECHO && !port->has_ended && virtq_ask(&port->receive, 1)) has_come = true;
    return has_come;
}

void port_be_quiet(struct port *port) {
    virtq_be_quiet(&port->transmit);
    virtq_be_quiet(&port->receive);
}
