#include "kernels/nvrtc/signal_handlers.h"

#include <csignal>
#include <cstdint>
#include <cstring>

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace anabranch::kernels {
namespace {

sighandler_t report_handler(int signal, sighandler_t) {
  struct sigaction now;
  return sigaction(signal, nullptr, &now) == 0 ? now.sa_handler : SIG_ERR;
}

int report_action(int signal, const struct sigaction*, struct sigaction* now) {
  return sigaction(signal, nullptr, now);
}

void* replacement_of(const char* function) {
  if (std::strcmp(function, "signal") == 0) return reinterpret_cast<void*>(report_handler);
  if (std::strcmp(function, "sigaction") == 0) return reinterpret_cast<void*>(report_action);
  return nullptr;
}

// Whether what a library's relocations have written is read-only by now.
bool is_protected(const link_map& library, std::uintptr_t address) {
  struct Search {
    const link_map& library;
    std::uintptr_t address;
    bool found = false;
  } search{library, address};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& s = *static_cast<Search*>(data);
        if (info->dlpi_addr != s.library.l_addr) return 0;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& part = info->dlpi_phdr[i];
          const std::uintptr_t begin = info->dlpi_addr + part.p_vaddr;
          s.found |= part.p_type == PT_GNU_RELRO && s.address >= begin && s.address < begin + part.p_memsz;
        }
        return 1;
      },
      &search);
  return search.found;
}

void replace(const link_map& library, void** slot, void* function) {
  const auto page_size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(slot);
  auto* const page = reinterpret_cast<void*>(address / page_size * page_size);
  const bool was_protected = is_protected(library, address);
  if (was_protected && mprotect(page, page_size, PROT_READ | PROT_WRITE) != 0) return;
  __atomic_store_n(slot, function, __ATOMIC_RELEASE);
  if (was_protected) mprotect(page, page_size, PROT_READ);
}

}  // namespace

// What a library calls of other ones it finds in slots, which its relocations name (System V ABI, "Dynamic Linking").
void keep_signal_handlers(void* library) {
  link_map* map = nullptr;
  if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return;
  const char* names = nullptr;
  const ElfW(Sym)* symbols = nullptr;
  const ElfW(Rela)* slots = nullptr;
  std::size_t bytes = 0;
  for (const ElfW(Dyn)* d = map->l_ld; d->d_tag != DT_NULL; ++d) {
    switch (d->d_tag) {
      case DT_STRTAB: names = reinterpret_cast<const char*>(d->d_un.d_ptr); break;
      case DT_SYMTAB: symbols = reinterpret_cast<const ElfW(Sym)*>(d->d_un.d_ptr); break;
      case DT_JMPREL: slots = reinterpret_cast<const ElfW(Rela)*>(d->d_un.d_ptr); break;
      case DT_PLTRELSZ: bytes = d->d_un.d_val; break;
      default: break;
    }
  }
  if (!names || !symbols || !slots) return;
  for (std::size_t i = 0; i < bytes / sizeof(*slots); ++i) {
    const char* function = names + symbols[ELF64_R_SYM(slots[i].r_info)].st_name;
    if (void* const other = replacement_of(function))
      replace(*map, reinterpret_cast<void**>(map->l_addr + slots[i].r_offset), other);
  }
}

}  // namespace anabranch::kernels
