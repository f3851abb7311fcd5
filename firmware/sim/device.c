#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device.h"
#include "noctis/json_scan.h"

#define DAY_MS 86400000LL
#define STEP_MS NOC_TICK_MS
#define STORE_MS 1000
#define AFTER_NIGHT_MS (90 * 60000LL) /* long enough for the night to end by itself */
#define TOKEN_RENEW_AFTER_S 600
#define SLOTS_A_NIGHT 1500 /* epochs, cursors, boots, burnt slots */
#define LONGEST_OFF_MS 240000

static double chance(sim_device *device) {
    device->random = device->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(device->random >> 11) / 9007199254740992.0;
}

static const char *token_of(sim_device *device) {
    time_t now = time(NULL);
    if (now > device->token_made + TOKEN_RENEW_AFTER_S) {
        device->token_made = identity_token(device->who, device->token) ? now : 0;
    }
    return device->token;
}

static bool sign(board *board, const uint8_t *digest, uint8_t *signature) {
    return identity_sign(((sim_device *)board->owner)->who, digest, signature);
}

typedef enum { NO_FAULT, LOST_REQUEST, LOST_ANSWER, PORTAL, HALF_ANSWER, BUSY, FAULTS } fault;

static void give(http_answer *answer, int status, const char *body, size_t length) {
    answer->status = status;
    answer->length = length < answer->size ? length : answer->size;
    memcpy(answer->body, body, answer->length);
}

/* What a home network and a proxy do to an answer. The platform has taken the request already. */
static void spoil(fault kind, const http_result *result, http_answer *answer) {
    static const char portal[] = "<html>Please accept the terms of this hotel</html>";
    static const char busy[] = "{\"code\":\"overloaded\"}";
    if (kind == PORTAL) {
        give(answer, 200, portal, sizeof portal - 1);
    } else if (kind == HALF_ANSWER) {
        give(answer, result->status, result->body, result->length / 2);
    } else if (kind == BUSY) {
        give(answer, 503, busy, sizeof busy - 1);
        answer->retry_after_s = 1;
    } else if (kind == NO_FAULT) {
        give(answer, result->status, result->body, result->length);
        answer->retry_after_s = result->retry_after_s;
    }
}

static int64_t instant_ms(const char *text) {
    int year, month, day, hour, minute;
    double second;
    if (sscanf(text, "%d-%d-%dT%d:%d:%lf", &year, &month, &day, &hour, &minute, &second) < 6) {
        return -1;
    }
    civil_time civil = {.year = year,
                        .month = (uint8_t)month,
                        .day = (uint8_t)day,
                        .hour = (uint8_t)hour,
                        .minute = (uint8_t)minute};
    return civil_to_ms(&civil) + (int64_t)(second * 1000 + 0.5);
}

/* Of an answer to `recordings:start`, whether or not the device gets to see it. */
static void note_recording(sim_device *device, const http_result *result) {
    stored_recording found;
    char started[40];
    if (!json_find_string(result->body, result->length, "id", found.id, sizeof found.id) ||
        !json_find_string(result->body, result->length, "started_at", started, sizeof started)) {
        return;
    }
    found.started_ms = instant_ms(started);
    for (uint32_t i = 0; i < device->recording_count; i++) {
        if (strcmp(device->recordings[i].id, found.id) == 0) {
            return;
        }
    }
    if (device->recording_count < MOST_RECORDINGS) {
        device->recordings[device->recording_count++] = found;
    }
}

static void serve(board *board, const http_request *request, http_answer *answer) {
    static char body[65536];
    sim_device *device = board->owner;
    bool is_faulty = chance(device) < device->plan->fault_chance;
    fault kind = is_faulty ? (fault)(1 + (int)(chance(device) * (FAULTS - 1))) : NO_FAULT;
    device->tally.requests++;
    device->tally.faults += is_faulty;
    if (kind == LOST_REQUEST) {
        return;
    }
    size_t length = request->body(request->source, 0, body, sizeof body);
    /* The simulation's clock is not the server's: the token is made for real time. */
    http_result result = http_call(&device->plan->server, request->path,
                                   request->token == NULL ? NULL : token_of(device), NULL, body,
                                   length);
    if (result.status >= 400 && device->tally.refused++ == 0) {
        fprintf(stderr, "%s: first refusal %d of %s: %.400s\n", device->who->config.external_id,
                result.status, request->path, result.body);
    }
    if (result.status == 200 || result.status == 201) {
        note_recording(device, &result);
    }
    if (result.body != NULL) {
        spoil(kind, &result, answer);
    }
    free(result.body);
}

static void boot(sim_device *device) {
    app_start how = {.port = &device->board.port,
                     .log_sectors = device->log_sectors,
                     .running_slot = device->board.selected_slot,
                     .allows_plain_http = true,
                     .version = "sim"};
    app_boot(&device->app, &how);
}

void device_start(sim_device *device, const plan *plan, const identity *who, uint64_t seed,
                  int64_t first_evening_ms) {
    memset(device, 0, sizeof *device);
    device->plan = plan;
    device->who = who;
    device->random = seed * 0x9E3779B97F4A7C15u + 99;
    device->first_ms = first_evening_ms;
    device->log_sectors = 6 + plan->nights * SLOTS_A_NIGHT / (LOG_SLOTS - 1);
    board_init(&device->board, device->log_sectors, seed + 1);
    device->board.true_wall_ms = first_evening_ms;
    device->board.has_sntp = true;
    device->board.owner = device;
    device->board.http = serve;
    device->board.sign = sign;
    device->stage_count = (size_t)(plan->nights * DAY_MS / NOC_EPOCH_MS);
    device->stages = malloc(device->stage_count + 1);
    memset(device->stages, 'W', device->stage_count);
    two_copies store;
    device_config config;
    two_copies_load(&store, &device->board.flash.nor, device->log_sectors + APP_CONFIG_AT, &config,
                    sizeof config);
    two_copies_save(&store, &who->config, sizeof who->config);
    boot(device);
}

static void note_stage(sim_device *device, int64_t wall_ms) {
    size_t at = (size_t)((wall_ms - device->first_ms) / NOC_EPOCH_MS);
    if (at < device->stage_count) {
        device->stages[at] = stage_letters[device->sleeper.stage];
    }
}

static void maybe_cut(sim_device *device) {
    nor_ram *flash = &device->board.flash;
    double chance_now = device->plan->cut_chance * STORE_MS / NOC_EPOCH_MS;
    if (flash->cut_at == UINT64_MAX && chance(device) < chance_now) {
        flash->tear = (tear_mode)(chance(device) * TEAR_MODES);
        flash->cut_at = flash->operations + (uint64_t)(chance(device) * 4);
    }
}

static void restart(sim_device *device) {
    device->tally.cuts++;
    board_reboot(&device->board, (int64_t)(chance(device) * LONGEST_OFF_MS));
    boot(device);
}

static void step(sim_device *device, bool is_asleep) {
    board *board = &device->board;
    int64_t wall_ms = board_wall_ms(board) + STEP_MS;
    board->mono_ms += STEP_MS;
    if (is_asleep) {
        sleeper_signal(&device->sleeper, (uint64_t)(wall_ms - device->night_began_ms),
                       &board->signals);
        note_stage(device, wall_ms);
    }
    app_sample(&device->app);
    if (board->mono_ms % STORE_MS == 0) {
        maybe_cut(device);
        app_store(&device->app);
        app_network(&device->app);
    }
    if (board->flash.is_off) {
        restart(device);
    }
}

void device_live(sim_device *device) {
    for (uint32_t night = 0; night < device->plan->nights; night++) {
        double hours = device->plan->hours * (0.9 + 0.2 * chance(device));
        device->night_began_ms = device->first_ms + night * DAY_MS;
        /* The days between are not lived through: nothing happens in them. */
        int64_t skipped = device->night_began_ms - board_wall_ms(&device->board);
        device->board.true_wall_ms += skipped > 0 ? skipped : 0;
        device->app.clock.offset_ms += skipped > 0 ? skipped : 0;
        sleeper_start(&device->sleeper, device->random, hours);
        int64_t until = device->night_began_ms + (int64_t)(hours * 3600000) + AFTER_NIGHT_MS;
        while (board_wall_ms(&device->board) < until) {
            step(device, true);
        }
    }
}

static bool is_drained(sim_device *device) {
    log_position at = flash_log_begin();
    log_record record;
    uint32_t sequence;
    return !flash_log_next_pending(&device->app.log, &at, &record, &sequence);
}

bool device_drain(sim_device *device) {
    static plan calm;
    const plan *before = device->plan;
    calm = *before;
    calm.cut_chance = calm.fault_chance = 0;
    device->plan = &calm;
    device->board.flash.cut_at = UINT64_MAX;
    for (int i = 0; i < 10 * 3600 * 4 && !is_drained(device); i++) {
        step(device, false);
    }
    device->plan = before;
    return is_drained(device);
}

void device_free(sim_device *device) {
    board_free(&device->board);
    free(device->stages);
}
