/* A damped pendulum, swept over its parameters: what was computed once is not computed again. */
#include <flume/flume.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 2000 };

/* theta'' = -(g / length) sin theta - damping theta' - drag theta' |theta'|, by Runge and Kutta. */
static double acceleration(double length, double damping, double drag, double theta, double omega)
{
    return -9.81 / length * sin(theta) - damping * omega - drag * omega * fabs(omega);
}

static unsigned simulate(double length, double damping, double drag, double theta, double *track)
{
    double omega = 0, h = 0.005;
    unsigned crossings = 0;

    for (int i = 0; i < STEPS; i++) {
        double a1 = acceleration(length, damping, drag, theta, omega);
        double o2 = omega + h / 2 * a1;
        double a2 = acceleration(length, damping, drag, theta + h / 2 * omega, o2);
        double o3 = omega + h / 2 * a2;
        double a3 = acceleration(length, damping, drag, theta + h / 2 * o2, o3);
        double o4 = omega + h * a3;
        double a4 = acceleration(length, damping, drag, theta + h * o3, o4);
        double next = theta + h / 6 * (omega + 2 * o2 + 2 * o3 + o4);

        omega += h / 6 * (a1 + 2 * a2 + 2 * a3 + a4);
        crossings += theta > 0 && next <= 0;
        track[i] = theta = next;
    }
    return crossings;
}

/* What was computed for these parameters before. */
static bool recall(flume_recorder *recorder, flume_scope *model, unsigned *out_crossings)
{
    flume_stored stored = {0};

    if (flume_recall(recorder, model, NULL, &stored) != FLUME_OK)
        return false;
    memcpy(out_crossings, stored.data, sizeof *out_crossings);
    flume_stored_release(&stored);
    return true;
}

/* Whether the earlier run that a new one extends had another result. */
static bool differs(flume *basin, flume_recorder *recorder, uint64_t seq, unsigned crossings)
{
    unsigned before = crossings;
    flume_scope *earlier;

    if (flume_scope_read(basin, seq, &earlier) != FLUME_OK)
        return false;
    (void)recall(recorder, earlier, &before);
    flume_scope_destroy(earlier);
    return before != crossings;
}

/* pendulum BASIN [DRAG]: with a number the model has a variable more, whose default is 0. */
int main(int argc, char **argv)
{
    flume_options options = {.log = {.flags = FLUME_OPEN_CREATE}};
    double drag = argc > 2 ? atof(argv[2]) : 0, *track = malloc(STEPS * sizeof *track);
    const char *limit = getenv("PENDULUM_RUNS"); /* After so many it dies. */
    int runs_left = limit != NULL ? atoi(limit) : 1000000;
    unsigned computed = 0, recalled = 0, extended = 0, changed = 0;
    const flume_value none = {.type = FLUME_VALUE_F64, .real = 0};
    flume_scope *model = NULL, *result = NULL;
    flume_recorder *recorder = NULL;
    flume *basin = NULL;
    flume_error error;

    if (argc < 2 || track == NULL || flume_open(&basin, argv[1], &options, &error) != FLUME_OK ||
        flume_recorder_open(&recorder, basin, NULL) != FLUME_OK ||
        flume_recorder_default(recorder, "drag", &none) != FLUME_OK ||
        flume_scope_create(&model) != FLUME_OK || flume_scope_create(&result) != FLUME_OK)
        return 1;
    flume_scope_label(model, "pendulum");
    flume_scope_label(result, "result");
    for (int i = 0; i < 5 * 4 * 3; i++) {
        double length = 0.5 + 0.25 * (i % 5), damping = 0.1 * (i / 5 % 4);
        double theta = 0.4 * (1 + i / 20);
        flume_verdict verdict;
        unsigned crossings;

        FLUME_CAPTURE(model, length, damping, theta); /* Locals, by name. */
        if (argc > 2)
            FLUME_CAPTURE(model, drag);
        if (recall(recorder, model, &crossings)) {
            recalled++;
            continue;
        }
        if (runs_left-- == 0)
            abort(); /* As if it had been killed. */
        crossings = simulate(length, damping, drag, theta, track);
        if (flume_commit(recorder, model, &verdict) != FLUME_OK)
            return 1;

        flume_scope_enter(recorder, model);
        FLUME_CAPTURE(result, crossings);
        FLUME_CAPTURE_ARRAY(result, track, STEPS);
        if (flume_commit(recorder, result, NULL) != FLUME_OK)
            return 1;
        flume_scope_leave(recorder, model);
        if (flume_remember(recorder, model, &crossings, sizeof crossings, NULL, NULL) != FLUME_OK)
            return 1; /* It comes last: what is recalled was recorded. */
        computed++;
        extended += verdict.kind == FLUME_SUPERSET;
        if (verdict.kind == FLUME_SUPERSET)
            changed += differs(basin, recorder, verdict.extends_seq, crossings);
    }
    printf("%u computed, %u recalled; %u extend an earlier one, %u with another result\n", computed,
           recalled, extended, changed);
    flume_scope_destroy(model);
    flume_scope_destroy(result);
    flume_recorder_close(recorder);
    free(track);
    return flume_close(basin) != FLUME_OK;
}
