#define AZIMUTH_LEVEL level_base
#include "core/engine/model/cpu_kernels_body.h"
