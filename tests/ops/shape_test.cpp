// Views, and the copies that are made only where strides can't say it.
#include "values.h"

namespace anabranch {
namespace {

using testing::counting;
using ::testing::ElementsAre;
using testing::values;

bool is_view_of(const array& a, const array& b) { return a.data_ptr() == b.data_ptr(); }

TEST(Shape, Reshape) {
  const array a = counting({2, 6});
  EXPECT_EQ(reshape(a, {-1, 4}).shape(), (Shape{3, 4}));
  EXPECT_TRUE(is_view_of(reshape(a, {3, 4}), a));
  // Splitting an axis of a transposed array is a view, joining its axes is not.
  const array t = transpose(a);
  EXPECT_TRUE(is_view_of(reshape(t, {2, 3, 2}), a));
  EXPECT_THAT(values<int>(reshape(t, {2, 3, 2})), ElementsAre(0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11));
  EXPECT_FALSE(is_view_of(reshape(t, {12}), a));
  EXPECT_THAT(values<int>(reshape(t, {12})), ElementsAre(0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11));
  EXPECT_THAT(values<int>(reshape(broadcast_to(array({1, 2}), {2, 2}), {4, 1})), ElementsAre(1, 2, 1, 2));
  EXPECT_EQ(reshape(zeros({0, 3}), {-1}).shape(), Shape{0});
  EXPECT_EQ(reshape(array(1), {1, 1}).shape(), (Shape{1, 1}));
  EXPECT_THROW(reshape(a, {5}), std::invalid_argument);
  EXPECT_THROW(reshape(a, {-1, -1}), std::invalid_argument);
  EXPECT_THROW(reshape(a, {-1, 5}), std::invalid_argument);
  EXPECT_THROW(reshape(a, {-2, -6}), std::invalid_argument);
  EXPECT_THROW(reshape(zeros({0}), {0, -1}), std::invalid_argument);
}

TEST(Shape, FlattenAndUnflatten) {
  const array a = zeros({2, 3, 4});
  EXPECT_EQ(flatten(a).shape(), Shape{24});
  EXPECT_EQ(flatten(a, 1).shape(), (Shape{2, 12}));
  EXPECT_EQ(flatten(a, -9, 1).shape(), (Shape{6, 4}));
  EXPECT_EQ(flatten(array(1)).shape(), Shape{1});
  EXPECT_THROW(flatten(a, 2, 1), std::invalid_argument);
  EXPECT_EQ(unflatten(a, 2, {2, -1}).shape(), (Shape{2, 3, 2, 2}));
  EXPECT_THROW(unflatten(a, 2, {3, -1}), std::invalid_argument);
  EXPECT_THROW(unflatten(a, 3, {1}), std::out_of_range);
  EXPECT_THROW(unflatten(a, 2, {}), std::invalid_argument);
}

TEST(Shape, SqueezeAndExpand) {
  const array a = zeros({1, 2, 1});
  EXPECT_EQ(squeeze(a).shape(), Shape{2});
  EXPECT_EQ(squeeze(a, -1).shape(), (Shape{1, 2}));
  EXPECT_THROW(squeeze(a, 1), std::invalid_argument);
  EXPECT_THROW(squeeze(a, 3), std::out_of_range);
  EXPECT_THROW(squeeze(a, {0, 0}), std::invalid_argument);
  EXPECT_EQ(expand_dims(zeros({2}), {0, -1}).shape(), (Shape{1, 2, 1}));
  EXPECT_THROW(expand_dims(zeros({2}), 3), std::out_of_range);
  EXPECT_EQ(atleast_3d(zeros({2})).shape(), (Shape{1, 2, 1}));
  EXPECT_EQ(atleast_3d(zeros({2, 3})).shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(atleast_2d(array(1)).shape(), (Shape{1, 1}));
  EXPECT_EQ(atleast_1d(std::vector<array>{array(1), zeros({3})})[1].shape(), Shape{3});
}

TEST(Shape, Permutations) {
  const array a = counting({2, 3, 4});
  EXPECT_EQ(transpose(a).shape(), (Shape{4, 3, 2}));
  EXPECT_EQ(transpose(a).strides(), (Strides{1, 4, 12}));
  EXPECT_EQ(transpose(a, {-1, 0, 1}).shape(), (Shape{4, 2, 3}));
  EXPECT_EQ(swapaxes(a, 0, -1).shape(), (Shape{4, 3, 2}));
  EXPECT_EQ(moveaxis(a, 0, -1).shape(), (Shape{3, 4, 2}));
  EXPECT_EQ(moveaxis(a, 2, 0).shape(), (Shape{4, 2, 3}));
  EXPECT_EQ(matrix_transpose(a).shape(), (Shape{2, 4, 3}));
  EXPECT_THROW(transpose(a, {0, 1}), std::invalid_argument);
  EXPECT_THROW(transpose(a, {0, 1, 1}), std::invalid_argument);
  EXPECT_THROW(transpose(a, {0, 1, 3}), std::out_of_range);
  EXPECT_THROW(moveaxis(a, 3, 0), std::out_of_range);
  EXPECT_THAT(values<int>(flip(counting({2, 3}))), ElementsAre(5, 4, 3, 2, 1, 0));
  EXPECT_THAT(values<int>(flip(counting({2, 3}), 1)), ElementsAre(2, 1, 0, 5, 4, 3));
  EXPECT_EQ(flip(zeros({0})).shape(), Shape{0});
}

TEST(Shape, Broadcasts) {
  const array a = broadcast_to(array({1, 2}), {3, 2});
  EXPECT_EQ(a.strides(), (Strides{0, 1}));
  EXPECT_THAT(values<int>(a), ElementsAre(1, 2, 1, 2, 1, 2));
  EXPECT_EQ(broadcast_to(zeros({1, 3}), {0, 3}).shape(), (Shape{0, 3}));
  EXPECT_THROW(broadcast_to(zeros({2, 3}), {3}), std::invalid_argument);
  EXPECT_THROW(broadcast_to(zeros({2, 3}), {1, 3}), std::invalid_argument);
  EXPECT_THROW(broadcast_to(zeros({2}), {-1, 2}), std::invalid_argument);
  EXPECT_EQ(broadcast_arrays({zeros({1, 3}), zeros({2, 1})})[0].shape(), (Shape{2, 3}));
  EXPECT_THROW(broadcast_arrays({zeros({2}), zeros({3})}), std::invalid_argument);
}

TEST(Shape, AsStrided) {
  const array a = arange(10);
  EXPECT_THAT(values<int>(as_strided(a, {3, 3}, {1, 2}, 1)), ElementsAre(1, 3, 5, 2, 4, 6, 3, 5, 7));
  EXPECT_THAT(values<int>(as_strided(a, {3}, {-1}, 2)), ElementsAre(2, 1, 0));
  EXPECT_THAT(values<int>(as_strided(transpose(counting({2, 2})), {4}, {1}, 0)), ElementsAre(0, 2, 1, 3));
  EXPECT_THROW(as_strided(a, {3}, {-1}, 1), std::invalid_argument);
  EXPECT_THROW(as_strided(a, {11}, {1}, 0), std::invalid_argument);
  EXPECT_THROW(as_strided(a, {2}, {1, 1}, 0), std::invalid_argument);
}

TEST(Shape, SizesThatOverflow) {
  const ShapeElem wide = ShapeElem{1} << 31;
  const array column = broadcast_to(zeros({1, 1}), {wide, 1}), row = broadcast_to(zeros({1, 1}), {1, wide});
  EXPECT_THROW(column + row, std::overflow_error);
  EXPECT_THROW(where(column, row, row), std::overflow_error);
  EXPECT_THROW(broadcast_arrays({column, row}), std::overflow_error);
  EXPECT_THROW(broadcast_to(column, {wide, wide}), std::overflow_error);
  EXPECT_THROW(matmul(column, row), std::overflow_error);
  EXPECT_THROW(repeat(row, 1 << 30, 0), std::overflow_error);
  EXPECT_THROW(tile(row, {1 << 30, 1}), std::overflow_error);
  EXPECT_THROW(zeros({wide, wide, 2}, uint8), std::overflow_error);
  EXPECT_THROW(diag(broadcast_to(zeros({1}), {wide})), std::overflow_error);
  EXPECT_EQ(zeros({wide, wide, wide, 0}).size(), 0u);
  EXPECT_THROW(flatten(zeros({wide, wide, wide, 0}), 0, 2), std::overflow_error);
}

TEST(Shape, Contiguous) {
  const array a = counting({2, 3});
  EXPECT_EQ(contiguous(a).node(), a.node());
  const array t = transpose(a);
  EXPECT_TRUE(contiguous(t).is_row_contiguous());
  EXPECT_EQ(contiguous(t, true).node(), t.node());
  EXPECT_FALSE(is_view_of(copy(a), a));
  EXPECT_THAT(values<int>(copy(t)), ElementsAre(0, 3, 1, 4, 2, 5));
}

}  // namespace
}  // namespace anabranch
