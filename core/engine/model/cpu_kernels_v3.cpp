#define AZIMUTH_LEVEL level_v3
#include "core/engine/model/cpu_kernels_body.h"
