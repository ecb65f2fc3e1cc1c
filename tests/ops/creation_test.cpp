#include <limits>

#include "values.h"

namespace anabranch {
namespace {

using testing::counting;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::values;

TEST(Creation, Arange) {
  EXPECT_EQ(arange(3).dtype(), int32);
  EXPECT_EQ(arange(3.0).dtype(), float32);
  EXPECT_THAT(values<int>(arange(5, 0, -2)), ElementsAre(5, 3, 1));
  EXPECT_THAT(values(arange(0.0, 1.0, 0.25)), ElementsAre(0, 0.25f, 0.5f, 0.75f));
  EXPECT_THAT(values<int>(arange(0.5, 5.0, 1.5, int32)), ElementsAre(0, 2, 4));
  EXPECT_THAT(values<int>(arange(5, 0)), IsEmpty());
  EXPECT_THROW(arange(0.0, 5.0, 0.0), std::invalid_argument);
  EXPECT_THROW(arange(5.0, bool_), std::invalid_argument);
  EXPECT_THROW(arange(std::numeric_limits<double>::infinity()), std::invalid_argument);
  EXPECT_THROW(arange(std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
  EXPECT_THROW(arange(1e30), std::invalid_argument);
}

TEST(Creation, Linspace) {
  EXPECT_THAT(values(linspace(0, 1, 5)), ElementsAre(0, 0.25f, 0.5f, 0.75f, 1));
  EXPECT_THAT(values(linspace(0, 1, 4, false)), ElementsAre(0, 0.25f, 0.5f, 0.75f));
  EXPECT_THAT(values<int>(linspace(0, 10, 5, int32)), ElementsAre(0, 2, 5, 7, 10));
  EXPECT_THAT(values(linspace(3, 9, 1)), ElementsAre(3));
  EXPECT_EQ(linspace(0, 1, 0).shape(), Shape{0});
  EXPECT_THROW(linspace(0, 1, -1), std::invalid_argument);
}

TEST(Creation, Full) {
  EXPECT_THAT(values<int>(full({3}, 3.7f, int32)), ElementsAre(3, 3, 3));
  EXPECT_THAT(values<int>(full({2, 2}, array({1, 2}))), ElementsAre(1, 2, 1, 2));
  EXPECT_EQ(full({}, 3).ndim(), 0);
  EXPECT_THAT(values<int>(full_like(array({1, 2}), 3.7f)), ElementsAre(3, 3));
  EXPECT_EQ(ones_like(zeros({2}, int8)).dtype(), int8);
  EXPECT_THROW(zeros({-1}), std::invalid_argument);
  EXPECT_THROW(full({2, 3}, array({1, 2})), std::invalid_argument);
  EXPECT_THROW(zeros({std::int64_t{1} << 40, std::int64_t{1} << 40}), std::overflow_error);
  const array lazy = array({1.5f}) + array({1.0f});
  EXPECT_THAT(values(full({2}, lazy)), ElementsAre(2.5f, 2.5f));
}

TEST(Creation, Triangles) {
  EXPECT_THAT(values(eye(2, 3, 1)), ElementsAre(0, 1, 0, 0, 0, 1));
  EXPECT_THAT(values(eye(2, 2, -5)), ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(identity(2, int8).dtype(), int8);
  EXPECT_THAT(values(tri(3, 2, -1, float32)), ElementsAre(0, 0, 1, 0, 1, 1));
  EXPECT_THAT(values<int>(tril(counting({2, 3}), 1)), ElementsAre(0, 1, 0, 3, 4, 5));
  EXPECT_THAT(values<int>(triu(counting({2, 3}), 1)), ElementsAre(0, 1, 2, 0, 0, 5));
  EXPECT_THROW(tril(zeros({3})), std::invalid_argument);
  EXPECT_THROW(eye(-1), std::invalid_argument);
}

TEST(Creation, Diagonals) {
  const array a = counting({3, 4});
  EXPECT_THAT(values<int>(diagonal(a, 1)), ElementsAre(1, 6, 11));
  EXPECT_THAT(values<int>(diagonal(a, -1)), ElementsAre(4, 9));
  EXPECT_THAT(values<int>(diagonal(a, -5)), IsEmpty());
  EXPECT_EQ(diagonal(zeros({2, 3, 4}), 0, 0, 2).shape(), (Shape{3, 2}));
  EXPECT_THAT(values<int>(diag(array({1, 2}), -1)), ElementsAre(0, 0, 0, 1, 0, 0, 0, 2, 0));
  EXPECT_THAT(values<int>(diag(array({1, 2}), 1)), ElementsAre(0, 1, 0, 0, 0, 2, 0, 0, 0));
  EXPECT_THAT(values<int>(diag(a)), ElementsAre(0, 5, 10));
  EXPECT_EQ(trace(ones({2, 2}, int8)).dtype(), int32);
  EXPECT_EQ(trace(a).item<int>(), 15);
  EXPECT_THROW(diag(zeros({1, 1, 1})), std::invalid_argument);
  EXPECT_THROW(diagonal(zeros({2})), std::invalid_argument);
}

TEST(Creation, Meshgrid) {
  const auto xy = meshgrid({array({1, 2}), array({3, 4, 5})});
  EXPECT_EQ(xy[0].shape(), (Shape{3, 2}));
  EXPECT_THAT(values<int>(xy[1]), ElementsAre(3, 3, 4, 4, 5, 5));
  const auto ij = meshgrid({array({1, 2}), array({3, 4, 5})}, true, "ij");
  EXPECT_EQ(ij[0].shape(), (Shape{2, 1}));
  EXPECT_EQ(ij[1].shape(), (Shape{1, 3}));
  EXPECT_THROW(meshgrid({array({1})}, false, "yx"), std::invalid_argument);
}

}  // namespace
}  // namespace anabranch
