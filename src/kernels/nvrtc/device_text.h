// The files of elementwise/device that programs include, as text (cmake/EmbedText.cmake).
#pragma once

namespace anabranch::kernels {

struct DeviceText {
  const char* name;
  const char* text;
};
extern const DeviceText device_texts[];  // the last one's name is null

}  // namespace anabranch::kernels
