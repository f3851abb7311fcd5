#include "driver/ledc.h"
#include "esp32_port.h"

#define PWM_HZ 5000

static const int pins[3] = {PIN_LED_RED, PIN_LED_GREEN, PIN_LED_BLUE};

void esp32_led_start(void) {
    const ledc_timer_config_t timer = {.speed_mode = LEDC_LOW_SPEED_MODE,
                                       .duty_resolution = LEDC_TIMER_8_BIT,
                                       .timer_num = LEDC_TIMER_0,
                                       .freq_hz = PWM_HZ,
                                       .clk_cfg = LEDC_AUTO_CLK};
    ledc_timer_config(&timer);
    for (int i = 0; i < 3; i++) {
        const ledc_channel_config_t channel = {.gpio_num = pins[i],
                                               .speed_mode = LEDC_LOW_SPEED_MODE,
                                               .channel = (ledc_channel_t)i,
                                               .timer_sel = LEDC_TIMER_0};
        ledc_channel_config(&channel);
    }
}

void esp32_led_set(void *context, led_colour colour) {
    (void)context;
    const uint8_t duty[3] = {colour.red, colour.green, colour.blue};
    for (int i = 0; i < 3; i++) {
        ledc_set_duty(LEDC_LOW_SPEED_MODE, (ledc_channel_t)i, duty[i]);
        ledc_update_duty(LEDC_LOW_SPEED_MODE, (ledc_channel_t)i);
    }
}
