#include "kernels/elementwise/execute.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "hwy/cache_control.h"

namespace anabranch::kernels {

namespace {

// The registers of the calling thread. They begin as zeros, so that what is computed beyond the valid elements of a
// block is computed from initialised memory.
class Scratch {
 public:
  std::byte* reserve(std::size_t bytes) {
    if (bytes > size_) {
      const std::size_t size = (std::max(bytes, std::size_t{64} << 10) + 63) / 64 * 64;
      memory_.reset(static_cast<std::byte*>(std::aligned_alloc(64, size)));
      size_ = memory_ ? size : 0;
      if (!memory_) throw std::bad_alloc();
      std::memset(memory_.get(), 0, size);
    }
    return memory_.get();
  }
  std::vector<void*> slots;

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::size_t size_ = 0;
};

void fill(void* to, std::uint64_t bits, std::size_t size, std::size_t n) {
  switch (size) {
    case 1: std::memset(to, static_cast<int>(bits), n); break;
    case 2: std::fill_n(static_cast<std::uint16_t*>(to), n, static_cast<std::uint16_t>(bits)); break;
    case 4: std::fill_n(static_cast<std::uint32_t*>(to), n, static_cast<std::uint32_t>(bits)); break;
    default: std::fill_n(static_cast<std::uint64_t*>(to), n, bits);
  }
}

constexpr std::size_t whole_quanta(std::size_t n) { return (n + quantum - 1) / quantum * quantum; }

class Chunk {
 public:
  // `block`: the most elements that a block will have.
  Chunk(const Task& task, std::size_t block) : task_(task), code_(task.code), layout_(task.layout) {
    static thread_local Scratch scratch;
    const std::size_t padded = whole_quanta(block);
    const std::size_t bytes = padded * code_.element_size;
    std::byte* memory = scratch.reserve(bytes * (code_.registers + 1u));
    scratch.slots.resize(std::size_t{code_.inputs} + code_.outputs + code_.registers);
    slots_ = scratch.slots.data();
    std::fill_n(slots_, code_.inputs, nullptr);
    padded_ = padded;
    staging_ = memory;
    for (std::size_t r = 0; r < code_.registers; ++r) {
      slots_[std::size_t{code_.inputs} + code_.outputs + r] = memory + (r + 1) * bytes;
    }
    for (const Step& step : code_.prologue) prepare(step, padded);
  }
  ~Chunk() {
    if (task_.stream) hwy::FlushStream();  // other threads see what was stored once the chunk is done
  }
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  void run(const Block& block) {
    const bool whole = block.count % quantum == 0;
    ahead_first_ = ahead_count_ = 0;
    for (const OutputHome& home : code_.homes) {
      std::byte* memory = nullptr;
      if (home.direct && whole && !task_.stream)
        memory = contiguous_run(layout_, layout_.out[home.slot - code_.inputs], block);
      slots_[home.slot] = memory ? memory : slots_[home.reg];
    }
    for (const Step& step : code_.body) {
      switch (step.kind) {
        case Step::Kind::load: load(step, block, whole); break;
        case Step::Kind::store: store(step, block, whole); break;
        case Step::Kind::repeat: repeat(step, block); break;
        default:
          compute(step, block.count);
          if (task_.ahead) prefetch();
      }
    }
  }

 private:
  void compute(const Step& step, std::size_t n) {
    step.fn(slots_[step.in[0]], slots_[step.in[1]], slots_[step.in[2]], slots_[step.out], n);
  }

  void prepare(const Step& step, std::size_t n) {
    if (step.kind == Step::Kind::compute) return compute(step, n);
    if (step.kind == Step::Kind::constant) return fill(slots_[step.out], code_.constants[step.in[0]], step.size, n);
    fill_with(step, layout_.in[step.in[0]].data, n);
  }

  // Fills the step's register with the element at `from` of its input.
  void fill_with(const Step& step, const std::byte* from, std::size_t n) {
    void* to = slots_[step.out];
    const std::size_t size = layout_.in[step.in[0]].dtype.size();
    std::uint64_t bits = 0;
    std::memcpy(&bits, from, size);
    if (step.fn) {
      fill(staging_, bits, size, quantum);
      step.fn(staging_, nullptr, nullptr, to, quantum);
      std::memcpy(&bits, to, step.size);
    }
    fill(to, bits, step.size, n);
  }

  // The input's slot, which such an input needs for nothing else, tells which element the register holds.
  void repeat(const Step& step, const Block& block) {
    std::byte* from = first_element(layout_, layout_.in[step.in[0]], block);
    if (slots_[step.in[0]] == from) return;
    slots_[step.in[0]] = from;
    fill_with(step, from, padded_);
  }

  // Asks for some cache lines of the next block's inputs, so that they come while this block is computed. More at once
  // than a core can have on their way would keep it waiting. (Measured: 24 are 4 to 12 % slower.)
  void prefetch() {
    constexpr int most = 12;
    for (int lines = 0; lines < most && ahead_first_ < ahead_count_;) {
      Ahead& ahead = ahead_[ahead_first_];
      for (; lines < most && ahead.at < ahead.end; ahead.at += 64, ++lines) __builtin_prefetch(ahead.at);
      if (ahead.at >= ahead.end) ++ahead_first_;
    }
  }

  void load(const Step& step, const Block& block, bool whole) {
    const Operand& operand = layout_.in[step.in[0]];
    void* reg = slots_[step.in[1]];
    void* from = whole ? contiguous_run(layout_, operand, block) : nullptr;
    if (from && task_.ahead && ahead_count_ < ahead_most) {
      const std::size_t bytes = block.count * operand.dtype.size();
      const char* next = static_cast<const char*>(from) + bytes;
      ahead_[ahead_count_++] = {next, next + bytes};
    }
    if (!from) {
      from = step.fn ? staging_ : reg;
      gather(layout_, operand, block, from);
    }
    if (step.fn) {
      step.fn(from, nullptr, nullptr, reg, block.count);
      from = reg;
    }
    slots_[step.out] = from;
  }

  void store(const Step& step, const Block& block, bool whole) {
    const Operand& operand = layout_.out[step.out];
    const void* from = slots_[step.in[0]];
    std::byte* memory = contiguous_run(layout_, operand, block);
    if (from == memory) return;
    const bool streams = task_.stream && whole && reinterpret_cast<std::uintptr_t>(memory) % 64 == 0;
    if (step.fn) {
      void* to = memory && whole && !streams ? memory : staging_;
      step.fn(from, nullptr, nullptr, to, block.count);
      if (to == memory) return;
      from = to;
    }
    if (streams) return lane_table().stream(from, nullptr, nullptr, memory, block.count * operand.dtype.size());
    scatter(layout_, operand, block, from);
  }

  const Task& task_;
  const Compiled& code_;
  const Layout& layout_;
  void** slots_ = nullptr;
  std::byte* staging_ = nullptr;
  std::size_t padded_ = 0;  // elements of a register
  // Memory of the next block that remains to be asked for.
  struct Ahead {
    const char *at, *end;
  };
  static constexpr int ahead_most = 8;
  Ahead ahead_[ahead_most];
  int ahead_first_ = 0, ahead_count_ = 0;
};

}  // namespace

void run_range(const Task& task, std::int64_t first, std::int64_t last) {
  const std::size_t total = static_cast<std::size_t>(last - first);
  Chunk chunk(task, std::min(task.block, total));
  Block block;
  for (block.first = first; block.first < last; block.first += static_cast<std::int64_t>(block.count)) {
    std::size_t left = static_cast<std::size_t>(last - block.first);
    if (const std::int64_t row = task.layout.row) {
      left = std::min(left, static_cast<std::size_t>(row - block.first % row));
    }
    // What is left beyond whole quanta goes by way of registers; all before it can be used in place.
    block.count = left >= task.block ? task.block : left < quantum ? left : left / quantum * quantum;
    chunk.run(block);
  }
}

namespace {

// Sets `block` to a tile.
void locate_tile(const Task& task, std::int64_t tile, Block& block) {
  const Layout& layout = task.layout;
  const std::size_t axis = static_cast<std::size_t>(layout.tile_axis), inner = layout.shape.size() - 1;
  const std::int64_t down = tile % static_cast<std::int64_t>(task.tiles_down);
  std::int64_t rest = tile / static_cast<std::int64_t>(task.tiles_down);
  const std::int64_t across = rest % static_cast<std::int64_t>(task.tiles_across);
  rest /= static_cast<std::int64_t>(task.tiles_across);
  for (std::size_t k = inner; k-- > 0;) {
    if (k == axis) continue;
    block.outer[k] = rest % layout.shape[k];
    rest /= layout.shape[k];
  }
  block.outer[axis] = down * static_cast<std::int64_t>(layout.tile_rows);
  block.outer[inner] = across * static_cast<std::int64_t>(tile_columns);
  block.rows = std::min(layout.tile_rows, static_cast<std::size_t>(layout.shape[axis] - block.outer[axis]));
  block.columns = std::min(tile_columns, static_cast<std::size_t>(layout.shape[inner] - block.outer[inner]));
  block.count = block.rows * block.columns;
}

}  // namespace

void run_tiles(const Task& task, std::int64_t first, std::int64_t last) {
  const Layout& layout = task.layout;
  Chunk chunk(task, layout.tile_rows * tile_columns);
  Block block, next;
  block.outer.resize(layout.shape.size());
  next.outer.resize(layout.shape.size());
  locate_tile(task, first, next);
  for (std::int64_t tile = first; tile < last; ++tile) {
    std::swap(block, next);
    if (tile + 1 < last) locate_tile(task, tile + 1, next);
    if (tile + 1 < last && task.ahead) {
      // Rows and columns are too short for the hardware to see where they lead.
      for (const Operand& operand : layout.in) prefetch_tile(layout, operand, next);
      for (const Operand& operand : layout.out) prefetch_tile(layout, operand, next);
    }
    chunk.run(block);
  }
}

}  // namespace anabranch::kernels
