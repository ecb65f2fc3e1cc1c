#include "values.h"

namespace anabranch {
namespace {

using testing::counting;
using ::testing::ElementsAre;
using testing::values;

array floats(const Shape& shape) { return astype(counting(shape), float32); }

TEST(Products, MatmulShapes) {
  const auto shape = [](const Shape& a, const Shape& b) { return matmul(zeros(a), zeros(b)).shape(); };
  EXPECT_EQ(shape({3}, {3}), Shape{});
  EXPECT_EQ(shape({3}, {5, 3, 4}), (Shape{5, 4}));
  EXPECT_EQ(shape({5, 4, 3}, {3}), (Shape{5, 4}));
  EXPECT_EQ(shape({2, 1, 4, 3}, {5, 3, 2}), (Shape{2, 5, 4, 2}));
  EXPECT_THROW(shape({2, 3}, {2, 3}), std::invalid_argument);
  EXPECT_THROW(shape({}, {2, 3}), std::invalid_argument);
  EXPECT_THROW(shape({2, 4, 3}, {5, 3, 2}), std::invalid_argument);
  EXPECT_THROW(matmul(zeros({2, 2}, int32), zeros({2, 2}, int32)), std::invalid_argument);
  EXPECT_EQ(matmul(zeros({2, 2}, int32), zeros({2, 2}, float16)).dtype(), float16);
}

TEST(Products, MatmulValues) {
  EXPECT_THAT(values(matmul(floats({2, 2}), floats({2, 2}))), ElementsAre(2, 3, 6, 11));
  EXPECT_THAT(values(matmul(floats({2, 2}), transpose(floats({2, 2})))), ElementsAre(1, 3, 3, 13));
  EXPECT_THAT(values(matmul(floats({2, 1, 2}), floats({2, 2}))), ElementsAre(2, 3, 6, 11));
  EXPECT_THAT(values(matmul(zeros({2, 0}), zeros({0, 1}))), ElementsAre(0, 0));
  EXPECT_THAT(values(matmul(floats({3}), floats({3}))), ElementsAre(5));
}

TEST(Products, Addmm) {
  EXPECT_THAT(values(addmm(array({1.0f, 2.0f}), ones({2, 3}), ones({3, 2}), 2, 3)), ElementsAre(9, 12, 9, 12));
  EXPECT_THROW(addmm(ones({5}), ones({2, 3}), ones({3, 2})), std::invalid_argument);
  EXPECT_THROW(addmm(ones({5, 2, 2}), ones({2, 3}), ones({3, 2})), std::invalid_argument);
  EXPECT_THROW(addmm(ones({2}, int32), ones({2, 3}, int32), ones({3, 2}, int32)), std::invalid_argument);
}

TEST(Products, InnerOuterKron) {
  EXPECT_THAT(values(inner(floats({2, 2}), floats({3, 2}))), ElementsAre(1, 3, 5, 3, 13, 23));
  EXPECT_THAT(values<int>(inner(array(2), array({1, 2}))), ElementsAre(2, 4));
  EXPECT_THROW(inner(zeros({2, 3}), zeros({2})), std::invalid_argument);
  EXPECT_THAT(values<int>(outer(array({1, 2}), array({3, 4}))), ElementsAre(3, 4, 6, 8));
  EXPECT_THAT(values<int>(kron(counting({2, 2}), array({1, 10}))), ElementsAre(0, 0, 1, 10, 2, 20, 3, 30));
}

TEST(Products, Tensordot) {
  const array a = floats({2, 3, 4});
  EXPECT_EQ(tensordot(a, floats({3, 4, 5})).shape(), (Shape{2, 5}));
  EXPECT_EQ(tensordot(a, floats({3, 4, 5}), 0).ndim(), 6);
  EXPECT_THAT(values(tensordot(floats({2, 2}), floats({2, 2}), {0}, {1})), ElementsAre(2, 6, 3, 11));
  EXPECT_THROW(tensordot(a, a, -1), std::invalid_argument);
  EXPECT_THROW(tensordot(a, a, 4), std::invalid_argument);
  EXPECT_THROW(tensordot(a, a, {0}, {1}), std::invalid_argument);
  EXPECT_THROW(tensordot(a, a, {0}, {0, 1}), std::invalid_argument);
}

}  // namespace
}  // namespace anabranch
