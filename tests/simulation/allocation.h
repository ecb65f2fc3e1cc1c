// operator new of the simulation's programs: it fails where the schedule or a test says so.
#pragma once

namespace anabranch::simulation {

// Outside of schedules: how many allocations until one is refused; 0: none is.
extern int until_refusal;

}  // namespace anabranch::simulation
