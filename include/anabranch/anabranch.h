// All of Anabranch.
#pragma once

#include "anabranch/array.h"
#include "anabranch/device.h"
#include "anabranch/dtype.h"
#include "anabranch/error.h"
#include "anabranch/linalg.h"
#include "anabranch/memory.h"
#include "anabranch/ops.h"
#include "anabranch/random.h"
#include "anabranch/shape.h"
#include "anabranch/stream.h"
