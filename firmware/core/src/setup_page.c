#include "noctis/setup_point.h"

/* Static: what was typed before is never shown, the secret least of all. */
const char setup_page[] =
    "<!doctype html><html lang=en><meta charset=utf-8><title>Noctis set-up</title>"
    "<meta name=viewport content='width=device-width'>"
    "<style>body{font:16px sans-serif;max-width:28em;margin:2em auto;padding:0 1em}"
    "label,input{display:block;width:100%}label{margin-top:1em}</style>"
    "<h1>Noctis set-up</h1>"
    "<p>1. Save <a href=/device.pem>this device's public key</a> and register it: "
    "<code>manage.py device provision</code>. 2. Copy here what it prints. "
    "What is left empty stays as it is.</p>"
    "<form method=post action=/save autocomplete=off>"
    "<label>Wi-Fi name<input name=wifi_name maxlength=32></label>"
    "<label>Wi-Fi password<input name=wifi_secret type=password maxlength=63></label>"
    "<label>Platform<input name=server_url placeholder=https:// maxlength=127></label>"
    "<label>External id<input name=external_id maxlength=39></label>"
    "<label>Key id (kid)<input name=key_id maxlength=39></label>"
    "<label>Client id<input name=client_id maxlength=36></label>"
    "<label>Tenant id<input name=tenant_id maxlength=36></label>"
    "<label>Time zone<input name=time_zone placeholder=Europe/Berlin maxlength=39></label>"
    "<p><button>Save</button></form>";
