// The table is public: see there.
#pragma once

#include "anabranch/elementwise_table.h"
