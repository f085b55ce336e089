/*
 * svg.c - a picture as plain SVG 1.1 (svg.h).
 *
 * What always holds: the text is well-formed XML, whatever bytes were given to show.
 */
#include "svg.h"

#include <math.h>
#include <string.h>

#include "utf8.h"

/* The colours of Okabe and Ito, told apart by people who do not see all colours too. */
static const char style[] =
    "<style>\n"
    "text{font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"DejaVu "
    "Sans\",sans-serif;font-size:12px;fill:#1f2328}\n"
    ".big{font-size:16px;font-weight:600}\n"
    "text.soft{fill:#59636e}\n"
    ".bg{fill:#ffffff}.lane{fill:#f1f3f5}.gap{fill:#e9ecef}\n"
    ".rule{stroke:#d8dee4;stroke-width:1}.base{stroke:#8c959f;stroke-width:1}\n"
    ".one{fill:#0072b2}.two{fill:#d55e00}.rest{fill:#8c959f}.well{fill:#009e73}\n"
    ".flag{stroke:#d55e00;stroke-width:1;stroke-dasharray:3 3}text.flag{fill:#b34700;stroke:none}\n"
    "@media (prefers-color-scheme:dark){\n"
    "text{fill:#e6edf3}text.soft{fill:#9198a1}\n"
    ".bg{fill:#0d1117}.lane{fill:#161b22}.gap{fill:#1c2229}\n"
    ".rule{stroke:#2a313a}.base{stroke:#6e7681}\n"
    ".one{fill:#56b4e9}.two{fill:#e69f00}.rest{fill:#6e7681}.well{fill:#2bbf94}\n"
    ".flag{stroke:#e69f00}text.flag{fill:#f0b429;stroke:none}\n"
    "}\n"
    "</style>\n";

/* ---- characters ---- */

/* XML cannot say U+FFFE and U+FFFF at all; control bytes have been made readable before. */
static void add_escaped(struct text *text, const char *data, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        uint32_t point = 0;
        size_t length = utf8_decode(data + at, bytes - at, &point);

        if (length == 0 || point == 0xFFFE || point == 0xFFFF)
            text_string(text, "\xEF\xBF\xBD"); /* U+FFFD */
        else if (point == '<')
            text_string(text, "&lt;");
        else if (point == '>')
            text_string(text, "&gt;");
        else if (point == '&')
            text_string(text, "&amp;");
        else if (point == '"')
            text_string(text, "&quot;");
        else
            text_add(text, data + at, length);
        at += length == 0 ? 1 : length;
    }
}

/* How much of what is shown fits, with room for an ellipsis if that is not all. */
static size_t fitting_bytes(const struct text *shown, size_t cells_max)
{
    size_t at = 0, cells = 0;
    uint32_t point;

    if (cells_max == 0 || utf8_cells(shown->data, shown->bytes, cells_max + 1) <= cells_max)
        return shown->bytes;
    while (at < shown->bytes) {
        size_t length = utf8_decode(shown->data + at, shown->bytes - at, &point);

        cells += length == 0 ? 1 : utf8_cells(shown->data + at, length, 2);
        if (cells >= cells_max)
            break;
        at += length == 0 ? 1 : length;
    }
    return at;
}

/* The ellipsis does not depend on anybody's locale: the same log gives the same bytes. */
static void add_shown(struct text *text, const void *data, size_t bytes, size_t cells_max)
{
    struct text shown = {0};
    size_t fitting;

    (void)utf8_show(&shown, data, bytes, 0);
    fitting = fitting_bytes(&shown, cells_max);
    add_escaped(text, shown.data, fitting);
    text_string(text, fitting < shown.bytes ? "\xE2\x80\xA6" : "");
    text_deinit(&shown);
}

/* Hundredths at most, without zeros at the end. */
static void add_number(struct text *text, double value)
{
    long long hundredths = llround(value * 100);
    const char *sign = hundredths < 0 ? "-" : "";

    hundredths = hundredths < 0 ? -hundredths : hundredths;
    text_format(text, "%s%lld", sign, hundredths / 100);
    if (hundredths % 100 == 0)
        return;
    text_format(text, hundredths % 10 == 0 ? ".%01lld" : ".%02lld",
                hundredths % 10 == 0 ? hundredths % 100 / 10 : hundredths % 100);
}

static void add_attribute(struct text *text, const char *name, double value)
{
    text_format(text, " %s=\"", name);
    add_number(text, value);
    text_char(text, '"');
}

/* ---- the document ---- */

void svg_begin(struct svg *svg, double width, double height, const char *title,
               const char *description)
{
    *svg = (struct svg){.width = width, .height = height};
    text_string(&svg->text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                            "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\"");
    add_attribute(&svg->text, "width", width);
    add_attribute(&svg->text, "height", height);
    text_string(&svg->text, " viewBox=\"0 0 ");
    add_number(&svg->text, width);
    text_char(&svg->text, ' ');
    add_number(&svg->text, height);
    text_string(&svg->text,
                "\" role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">");
    add_shown(&svg->text, title, strlen(title), 0);
    text_string(&svg->text, "</title>\n<desc id=\"desc\">");
    add_shown(&svg->text, description, strlen(description), 0);
    text_string(&svg->text, "</desc>\n");
    text_string(&svg->text, style);
    svg_rect(svg, "bg", 0, 0, width, height);
}

void svg_end(struct svg *svg)
{
    text_string(&svg->text, "</svg>\n");
}

void svg_deinit(struct svg *svg)
{
    text_deinit(&svg->text);
}

void svg_rect(struct svg *svg, const char *class, double x, double y, double width, double height)
{
    text_format(&svg->text, "<rect class=\"%s\"", class);
    add_attribute(&svg->text, "x", x);
    add_attribute(&svg->text, "y", y);
    add_attribute(&svg->text, "width", width);
    add_attribute(&svg->text, "height", height);
    text_string(&svg->text, "/>\n");
}

void svg_line(struct svg *svg, const char *class, double x1, double y1, double x2, double y2)
{
    text_format(&svg->text, "<line class=\"%s\"", class);
    add_attribute(&svg->text, "x1", x1);
    add_attribute(&svg->text, "y1", y1);
    add_attribute(&svg->text, "x2", x2);
    add_attribute(&svg->text, "y2", y2);
    text_string(&svg->text, "/>\n");
}

void svg_bytes(struct svg *svg, const char *class, enum svg_anchor anchor, double x, double y,
               const void *data, size_t bytes, size_t cells_max)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};

    text_format(&svg->text, "<text class=\"%s\"", class);
    add_attribute(&svg->text, "x", x);
    add_attribute(&svg->text, "y", y);
    text_format(&svg->text, "%s>", anchors[anchor]);
    add_shown(&svg->text, data, bytes, cells_max);
    text_string(&svg->text, "</text>\n");
}

void svg_text(struct svg *svg, const char *class, enum svg_anchor anchor, double x, double y,
              const char *string, size_t cells_max)
{
    svg_bytes(svg, class, anchor, x, y, string, strlen(string), cells_max);
}

/* ---- paths ---- */

void svg_path_begin(struct svg *svg, const char *class)
{
    text_format(&svg->text, "<path class=\"%s\" d=\"", class);
}

static void add_step(struct svg *svg, char letter, double value)
{
    text_char(&svg->text, letter);
    add_number(&svg->text, value);
}

void svg_path_start(struct svg *svg, double x, double y)
{
    add_step(svg, 'M', x);
    text_char(&svg->text, ' ');
    add_number(&svg->text, y);
}

void svg_path_to_x(struct svg *svg, double x)
{
    add_step(svg, 'H', x);
}

void svg_path_to_y(struct svg *svg, double y)
{
    add_step(svg, 'V', y);
}

void svg_path_close(struct svg *svg)
{
    text_char(&svg->text, 'Z');
}

void svg_path_box(struct svg *svg, double x, double y, double width, double height)
{
    svg_path_start(svg, x, y);
    add_step(svg, 'h', width);
    add_step(svg, 'v', height);
    add_step(svg, 'h', -width);
    svg_path_close(svg);
}

void svg_path_end(struct svg *svg)
{
    text_string(&svg->text, "\"/>\n");
}

void svg_group_begin(struct svg *svg, const void *name, size_t name_bytes)
{
    text_string(&svg->text, "<g><title>");
    add_shown(&svg->text, name, name_bytes, 0);
    text_string(&svg->text, "</title>\n");
}

void svg_group_end(struct svg *svg)
{
    text_string(&svg->text, "</g>\n");
}

double svg_text_width(const void *data, size_t bytes)
{
    const double cell = 7.2; /* Of 12 px type that is rather wide. */
    struct text shown = {0};
    size_t cells = utf8_show(&shown, data, bytes, 0);

    text_deinit(&shown);
    return (double)cells * cell;
}
