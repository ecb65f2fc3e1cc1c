#include <limits>

#include "values.h"

namespace anabranch {
namespace {

using testing::counting;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::values;

TEST(Indexing, Slice) {
  const array a = arange(10);
  const auto cut = [&](ShapeElem start, ShapeElem stop, ShapeElem step) {
    return values<int>(slice(a, Shape{start}, Shape{stop}, Shape{step}));
  };
  EXPECT_THAT(cut(2, 7, 2), ElementsAre(2, 4, 6));
  EXPECT_THAT(cut(-3, 100, 1), ElementsAre(7, 8, 9));
  EXPECT_THAT(cut(7, 2, 1), IsEmpty());
  EXPECT_THAT(cut(8, 2, -3), ElementsAre(8, 5));
  EXPECT_THAT(cut(100, -11, -4), ElementsAre(9, 5, 1));
  constexpr ShapeElem least = std::numeric_limits<ShapeElem>::min(), most = std::numeric_limits<ShapeElem>::max();
  EXPECT_THAT(cut(9, least, least), ElementsAre(9));
  EXPECT_THAT(cut(0, most, most), ElementsAre(0));
  EXPECT_THROW(cut(0, 1, 0), std::invalid_argument);
  EXPECT_THROW(slice(a, {0, 0}, {1, 1}), std::invalid_argument);
  const array m = slice(counting({3, 4}), Shape{2, 1}, Shape{-4, 4}, Shape{-1, 2});
  EXPECT_THAT(values<int>(m), ElementsAre(9, 11, 5, 7, 1, 3));
  EXPECT_EQ(slice(a, {0}, {10}).node(), a.node());
}

TEST(Indexing, DynamicSlice) {
  const array a = counting({3, 4});
  EXPECT_THAT(values<int>(slice(a, array({1}), {1}, {2, 2})), ElementsAre(1, 2, 5, 6));
  EXPECT_THAT(values<int>(slice(a, array({1, 2}), {0, 1}, {2, 2})), ElementsAre(6, 7, 10, 11));
  EXPECT_THAT(values<int>(slice(a, array(-1), {0}, {1, 4})), ElementsAre(8, 9, 10, 11));
  EXPECT_THROW(slice(a, array({1.0f}), {1}, {2, 2}), std::invalid_argument);
  EXPECT_THROW(slice(a, array({1, 2}), {1}, {2, 2}), std::invalid_argument);
  EXPECT_THROW(slice(a, array({1}), {1}, {2, 5}), std::invalid_argument);
  EXPECT_THROW(slice(a, array({1}), {1}, {2}), std::invalid_argument);
  EXPECT_THROW(slice(a, array({3}), {1}, {2, 2}).eval(), std::out_of_range);
}

TEST(Indexing, SliceUpdate) {
  const array a = zeros({2, 3}, int32);
  const array b = slice_update(a, array({1.9f, 2.0f}), Shape{0, 0}, Shape{2, 3}, Shape{1, 2});
  EXPECT_THAT(values<int>(b), ElementsAre(1, 0, 2, 1, 0, 2));
  EXPECT_THAT(values<int>(a), ElementsAre(0, 0, 0, 0, 0, 0));
  EXPECT_THAT(values<int>(slice_update(arange(4), array({7, 8}), Shape{3}, Shape{-5}, Shape{-3})),
              ElementsAre(8, 1, 2, 7));
  EXPECT_THAT(values<int>(slice_update_add(arange(4), array(10), Shape{1}, Shape{3})), ElementsAre(0, 11, 12, 3));
  EXPECT_THAT(values<int>(slice_update_max(arange(4), array(2), Shape{0}, Shape{4})), ElementsAre(2, 2, 2, 3));
  EXPECT_EQ(slice_update(a, array(1), Shape{1, 1}, Shape{1, 1}).node(), a.node());
  EXPECT_THROW(slice_update(a, zeros({4}), Shape{0, 0}, Shape{2, 3}), std::invalid_argument);
  EXPECT_THAT(values<int>(slice_update(arange(5), array({7, 8}), array({2}), {0})), ElementsAre(0, 1, 7, 8, 4));
  EXPECT_THAT(values<int>(slice_update(a, array({1, 2}), array({1}), {1})), ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST(Indexing, Take) {
  const array a = counting({2, 3});
  EXPECT_THAT(values<int>(take(a, array({4, -1}))), ElementsAre(4, 5));
  const array columns = take(a, reshape(array({2, 0}), {1, 2}), 1);
  EXPECT_EQ(columns.shape(), (Shape{2, 1, 2}));
  EXPECT_THAT(values<int>(columns), ElementsAre(2, 0, 5, 3));
  EXPECT_THAT(values<int>(take(a, array(1), 0)), ElementsAre(3, 4, 5));
  EXPECT_THAT(values<int>(take(a, -1, 1)), ElementsAre(2, 5));
  EXPECT_EQ(take(a, 4).item<int>(), 4);
  EXPECT_EQ(take(zeros({0, 2}), zeros({0}, int32), 0).shape(), (Shape{0, 2}));
  EXPECT_THROW(take(a, array({0.5f})), std::invalid_argument);
  EXPECT_THROW(take(a, array({true})), std::invalid_argument);
  EXPECT_THROW(take(zeros({0}), array({0})), std::invalid_argument);
  EXPECT_THROW(take(a, array({0}), 2), std::out_of_range);
  EXPECT_THROW(take(a, 2, 0), std::out_of_range);
  EXPECT_THROW(take(a, array({6})).eval(), std::out_of_range);
}

TEST(Indexing, AlongAxis) {
  const array a = counting({2, 3});
  EXPECT_THAT(values<int>(take_along_axis(a, reshape(array({1, 0, 2, 2}), {2, 2}), 1)), ElementsAre(1, 0, 5, 5));
  EXPECT_THAT(values<int>(take_along_axis(a, reshape(array({1, 0}), {1, 2}), -1)), ElementsAre(1, 0, 4, 3));
  EXPECT_THAT(values<int>(put_along_axis(a, reshape(array({1, 0}), {2, 1}), array(9), 1)),
              ElementsAre(0, 9, 2, 9, 4, 5));
  EXPECT_THAT(values<int>(scatter_add_axis(a, reshape(array({1, 1}), {1, 2}), array(10), 1)),
              ElementsAre(0, 21, 2, 3, 24, 5));
  EXPECT_THROW(take_along_axis(a, array({1}), 1), std::invalid_argument);
  EXPECT_THROW(take_along_axis(a, zeros({3, 1}, int32), 1), std::invalid_argument);
  EXPECT_THROW(take_along_axis(a, zeros({2, 1}), 1), std::invalid_argument);
  EXPECT_THROW(take_along_axis(a, zeros({2, 1}, int32), 2), std::out_of_range);
}

TEST(Indexing, GatherAndScatter) {
  const array a = counting({3, 4});
  const array g = gather(a, {array({0, 2}), array({1, 2})}, {0, 1}, {1, 2});
  EXPECT_EQ(g.shape(), (Shape{2, 1, 2}));
  EXPECT_THAT(values<int>(g), ElementsAre(1, 2, 10, 11));
  const array s = scatter_add(zeros({3}, int32), array({0, 0, 2}), reshape(array({1, 2, 4}), {3, 1}), 0);
  EXPECT_THAT(values<int>(s), ElementsAre(3, 0, 4));
  EXPECT_THAT(values<int>(scatter(arange(3), array({1, 1}), reshape(array({7, 8}), {2, 1}), 0)), ElementsAre(0, 8, 2));
  EXPECT_THAT(values<int>(scatter_max(arange(3), array({0, 2}), ones({2, 1}, int32), 0)), ElementsAre(1, 1, 2));
  EXPECT_THAT(values<int>(scatter_min(arange(3), array({0, 2}), ones({2, 1}, int32), 0)), ElementsAre(0, 1, 1));
  EXPECT_THAT(values<int>(scatter_prod(arange(3), array({2}), full({1, 1}, 5), 0)), ElementsAre(0, 1, 10));
  EXPECT_THROW(gather(a, {array({0})}, {0, 1}, {1, 1}), std::invalid_argument);
  EXPECT_THROW(gather(a, {array({0})}, {0}, {1, 5}), std::invalid_argument);
  EXPECT_THROW(gather(a, {array({0}), array({0})}, {0, 0}, {1, 1}), std::invalid_argument);
  EXPECT_THROW(scatter(a, array({0}), zeros({1, 4}), 0), std::invalid_argument);
}

}  // namespace
}  // namespace anabranch
