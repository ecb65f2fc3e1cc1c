#include "kernels/indexing/update.h"

#include "kernels/reduce/arithmetic.h"

namespace anabranch::kernels {
namespace {

template <typename T, typename F>
void update(char* dst, std::int64_t dst_step, const char* src, std::int64_t src_step, std::int64_t n) {
  constexpr std::int64_t size = sizeof(T);
  if (dst_step == size && src_step == size) {  // which the compiler vectorises
    T* to = reinterpret_cast<T*>(dst);
    const T* by = reinterpret_cast<const T*>(src);
    for (std::int64_t i = 0; i < n; ++i) to[i] = F()(to[i], by[i]);
    return;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    T& to = *reinterpret_cast<T*>(dst + i * dst_step);
    to = F()(to, *reinterpret_cast<const T*>(src + i * src_step));
  }
}

template <typename F>
UpdateRun by_dtype(Dtype dtype) {
  return dispatch_dtype(dtype, [](auto* p) -> UpdateRun { return update<std::remove_pointer_t<decltype(p)>, F>; });
}

}  // namespace

UpdateRun update_run(graph::ScatterKind kind, Dtype dtype) {
  switch (kind) {
    case graph::ScatterKind::Assign: return nullptr;
    case graph::ScatterKind::Add: return by_dtype<Sum>(dtype);
    case graph::ScatterKind::Prod: return by_dtype<Prod>(dtype);
    case graph::ScatterKind::Max: return by_dtype<Max>(dtype);
    case graph::ScatterKind::Min: break;
  }
  return by_dtype<Min>(dtype);
}

}  // namespace anabranch::kernels
