/* noctis-sim: nights of many devices, run through the device's own core, into a real platform. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "readback.h"

#define DAY_MS 86400000LL
#define HOUR_MS 3600000LL

typedef struct {
    plan plan;
    const char *identities;
    uint32_t devices;
    uint64_t seed;
} order;

static const char usage[] =
    "noctis-sim --server URL --identities FILE [--devices N] [--nights N] [--hours H] [--seed S]\n"
    "           [--speed max] [--cut random:P] [--faults P] [--labels]\n"
    "  P of --cut is the chance of a power cut in an epoch; of --faults, of a fault in a request.\n"
    "  FILE has a line a device: external id, key id, client id, tenant id, private key's path; its\n"
    "  first line is a reviewer's, who reads everything back and sends the labels.\n";

static bool set_option(order *order, const char *name, const char *value) {
    if (strcmp(name, "--server") == 0) {
        return http_parse_url(value, &order->plan.server);
    }
    if (strcmp(name, "--speed") == 0) {
        return strcmp(value, "max") == 0;
    }
    if (strcmp(name, "--cut") == 0) {
        return sscanf(value, "random:%lf", &order->plan.cut_chance) == 1;
    }
    if (strcmp(name, "--faults") == 0) {
        return sscanf(value, "%lf", &order->plan.fault_chance) == 1;
    }
    if (strcmp(name, "--hours") == 0) {
        return sscanf(value, "%lf", &order->plan.hours) == 1;
    }
    if (strcmp(name, "--identities") == 0) {
        order->identities = value;
        return true;
    }
    if (strcmp(name, "--devices") == 0) {
        order->devices = (uint32_t)atoi(value);
        return order->devices > 0;
    }
    if (strcmp(name, "--nights") == 0) {
        order->plan.nights = (uint32_t)atoi(value);
        return order->plan.nights > 0 && order->plan.nights <= MOST_NIGHTS;
    }
    if (strcmp(name, "--seed") == 0) {
        order->seed = strtoull(value, NULL, 10);
        return true;
    }
    return false;
}

static bool read_order(order *order, int count, char **words) {
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--labels") == 0) {
            order->plan.sends_labels = true;
        } else if (i + 1 == count || !set_option(order, words[i], words[i + 1])) {
            return false;
        } else {
            i++;
        }
    }
    return order->plan.server.host[0] != 0 && order->identities != NULL;
}

/* The last night ended this morning: nothing lies in the future. */
static int64_t first_evening(uint32_t nights) {
    int64_t now = (int64_t)time(NULL) * 1000;
    return now / HOUR_MS * HOUR_MS - 12 * HOUR_MS - (nights - 1) * DAY_MS;
}

static bool run_device(const order *order, const identity *who, uint32_t number, tally *tally_sum,
                       comparison *sums) {
    sim_device *device = malloc(sizeof *device);
    int64_t spread_ms = (int64_t)(number * 7919 % 3600) * 1000;
    device_start(device, &order->plan, who, order->seed * 1000003 + number,
                 first_evening(order->plan.nights) - spread_ms);
    device_live(device);
    bool is_drained = device_drain(device);
    bool is_read = readback_compare(device, sums);
    tally_sum->requests += device->tally.requests;
    tally_sum->faults += device->tally.faults;
    tally_sum->cuts += device->tally.cuts;
    tally_sum->refused += device->tally.refused;
    if (!is_drained || !is_read || device->app.log.lost > 0) {
        fprintf(stderr, "%s: drained %d, read back %d, overwritten %u\n", who->config.external_id,
                is_drained, is_read, (unsigned)device->app.log.lost);
    }
    bool is_well = is_drained && is_read && device->app.log.lost == 0;
    device_free(device);
    free(device);
    return is_well;
}

int main(int count, char **words) {
    order order = {.plan = {.nights = 1, .hours = 8}, .devices = 1, .seed = 1};
    tally tally = {0};
    comparison sums = {0};
    bool is_well = true;
    if (!read_order(&order, count, words)) {
        fputs(usage, stderr);
        return 2;
    }
    FILE *file = fopen(order.identities, "r");
    identity reader;
    if (file == NULL || !identity_read(file, &reader)) {
        fprintf(stderr, "%s: no reader's identity\n", order.identities);
        return 2;
    }
    order.plan.reader = &reader;
    for (uint32_t i = 0; i < order.devices; i++) {
        identity who;
        if (!identity_read(file, &who)) {
            fprintf(stderr, "%s: no identity for device %u\n", order.identities, (unsigned)i);
            return 2;
        }
        is_well = run_device(&order, &who, i, &tally, &sums) && is_well;
        EVP_PKEY_free(who.key);
    }
    EVP_PKEY_free(reader.key);
    fclose(file);
    printf("{\"devices\": %u, \"nights\": %u, \"recordings\": %u, \"epochs_on_device\": %u, "
           "\"epochs_on_server\": %u, \"missing\": %u, \"strange\": %u, \"different\": %u, "
           "\"twice\": %u, \"out_of_order\": %u, \"requests\": %u, \"faults\": %u, "
           "\"refused\": %u, \"power_cuts\": %u}\n",
           order.devices, order.plan.nights, sums.recordings, sums.on_device, sums.on_server,
           sums.missing, sums.strange, sums.different, sums.twice, sums.out_of_order,
           tally.requests, tally.faults, tally.refused, tally.cuts);
    return !(is_well && sums.missing + sums.strange + sums.different + sums.twice +
                                sums.out_of_order == 0 && sums.on_device > 0);
}
