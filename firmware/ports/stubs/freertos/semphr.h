/* Just enough of ESP-IDF 5 for the port to be type-checked; written by hand, never linked. */
#pragma once
#include "freertos/FreeRTOS.h"
typedef struct semaphore *SemaphoreHandle_t;
SemaphoreHandle_t xSemaphoreCreateMutex(void);
BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks);
BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore);
