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

int main(int argc, char **argv)
{
    flume_options options = {.log = {.flags = FLUME_OPEN_CREATE}};
    int has_drag = argc > 2 && strcmp(argv[2], "drag") == 0;
    int runs_max = argc > 2 && !has_drag ? atoi(argv[2]) : 1000000;
    unsigned computed = 0, known = 0, extended = 0;
    double *track = malloc(STEPS * sizeof *track);
    flume_scope *model = NULL, *result = NULL;
    flume_recorder *recorder = NULL;
    flume *basin = NULL;
    flume_error error;

    if (track == NULL || flume_open(&basin, argv[1], &options, &error) != FLUME_OK ||
        flume_recorder_open(&recorder, basin, NULL) != FLUME_OK ||
        flume_scope_create(&model) != FLUME_OK || flume_scope_create(&result) != FLUME_OK)
        return 1;
    flume_scope_label(model, "pendulum");
    flume_scope_label(result, "result");
    for (int i = 0; i < 5 * 4 * 3; i++) {
        double length = 0.5 + 0.25 * (i % 5), damping = 0.1 * (i / 5 % 4), drag = 0.05;
        double theta = 0.4 * (1 + i / 20);
        flume_verdict verdict;

        FLUME_CAPTURE(model, length, damping, theta); /* Locals, by name. */
        if (has_drag)
            FLUME_CAPTURE(model, drag);
        if (flume_scope_seen(recorder, model, FLUME_SEEN_EXACT, NULL) == FLUME_OK) {
            known++;
            continue;
        }
        if (runs_max-- == 0)
            abort(); /* As if it had been killed. */
        unsigned crossings = simulate(length, damping, has_drag ? drag : 0, theta, track);

        flume_scope_enter(recorder, model);
        FLUME_CAPTURE(result, crossings);
        FLUME_CAPTURE_ARRAY(result, track, STEPS);
        if (flume_commit(recorder, result, NULL) != FLUME_OK)
            return 1;
        flume_scope_leave(recorder, model);
        if (flume_commit(recorder, model, &verdict) != FLUME_OK)
            return 1;
        computed++;
        extended += verdict.extends_seq != FLUME_SEQ_NONE;
    }
    printf("%u computed, %u known, %u extend an earlier one\n", computed, known, extended);
    flume_scope_destroy(model);
    flume_scope_destroy(result);
    flume_recorder_close(recorder);
    free(track);
    return flume_close(basin) != FLUME_OK;
}
