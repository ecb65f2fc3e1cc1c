# Writes a C++ source that holds text files: cmake -D OUTPUT=... -D "FILES=..." -P EmbedText.cmake
set(source "#include \"kernels/nvrtc/device_text.h\"\n\nnamespace anabranch::kernels {\n\nconst DeviceText device_texts[] = {\n")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(READ ${file} text)
  string(APPEND source "    {\"${name}\", R\"text_of_file(${text})text_of_file\"},\n")
endforeach()
string(APPEND source "    {nullptr, nullptr}};\n\n}  // namespace anabranch::kernels\n")
file(WRITE ${OUTPUT} "${source}")
