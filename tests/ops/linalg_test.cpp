#include "anabranch/linalg.h"

#include <limits>

#include "values.h"

namespace anabranch {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;
using testing::values;

array matrix(std::initializer_list<float> x) { return reshape(array(x), {2, 2}); }

void expect_near(const array& a, std::initializer_list<float> expected) {
  EXPECT_THAT(values(a), Pointwise(FloatNear(1e-5f), std::vector<float>(expected)));
}

// What factors a matrix runs on the CPU alone.
class Factorizations : public ::testing::Test {
  StreamContext on_the_cpu_{Device::cpu};
};

TEST_F(Factorizations, Inverses) {
  expect_near(linalg::inv(matrix({2, 1, 0, 4})), {0.5f, -0.125f, 0, 0.25f});
  expect_near(linalg::tri_inv(matrix({1, 2, 3, 4})), {1, 0, -0.75f, 0.25f});
  expect_near(linalg::tri_inv(matrix({1, 2, 3, 4}), true), {1, -0.5f, 0, 0.25f});
  expect_near(linalg::cholesky_inv(matrix({2, 0, 1, 4})), {0.265625f, -0.03125f, -0.03125f, 0.0625f});
  expect_near(linalg::cholesky_inv(matrix({2, 1, 0, 4}), true), {0.265625f, -0.03125f, -0.03125f, 0.0625f});
  EXPECT_EQ(linalg::inv(zeros({0, 3, 3})).shape(), (Shape{0, 3, 3}));
  EXPECT_THROW(linalg::inv(zeros({2, 3})), std::invalid_argument);
  EXPECT_THROW(linalg::inv(zeros({2})), std::invalid_argument);
  EXPECT_THROW(linalg::inv(zeros({2, 2}, float16)), std::invalid_argument);
  const array singular = linalg::inv(zeros({2, 2}));
  EXPECT_THROW(singular.eval(), std::runtime_error);
  EXPECT_THROW(singular.eval(), std::runtime_error);
}

TEST_F(Factorizations, Cholesky) {
  expect_near(linalg::cholesky(matrix({2, 100, 1, 4})), {1.4142135f, 0, 0.7071068f, 1.8708287f});
  expect_near(linalg::cholesky(matrix({2, 1, 100, 4}), true), {1.4142135f, 0.7071068f, 0, 1.8708287f});
  EXPECT_THROW(linalg::cholesky(matrix({1, 1, 1, -4})).eval(), std::runtime_error);
  EXPECT_THROW(linalg::cholesky(zeros({2, 2}, int32)), std::invalid_argument);
}

TEST_F(Factorizations, Solve) {
  const array a = matrix({2, 1, 0, 4});
  expect_near(linalg::solve(a, array({1.0f, 2.0f})), {0.25f, 0.5f});
  EXPECT_EQ(linalg::solve(broadcast_to(a, {3, 2, 2}), ones({2, 5})).shape(), (Shape{3, 2, 5}));
  EXPECT_EQ(linalg::solve(a, ones({3, 2, 5})).shape(), (Shape{3, 2, 5}));
  expect_near(linalg::solve(broadcast_to(a, {2, 2, 2}), array({1.0f, 2.0f})), {0.25f, 0.5f, 0.25f, 0.5f});
  expect_near(linalg::solve_triangular(a, array({1, 2})), {0.5f, 0.5f});
  expect_near(linalg::solve_triangular(a, array({1, 2}), true), {0.25f, 0.5f});
  EXPECT_THROW(linalg::solve(zeros({2, 2}), array({1.0f, 2.0f})).eval(), std::runtime_error);
  EXPECT_THROW(linalg::solve(zeros({2, 3}), zeros({2})), std::invalid_argument);
  EXPECT_THROW(linalg::solve(a, zeros({3})), std::invalid_argument);
  EXPECT_THROW(linalg::solve(a, array(1.0f)), std::invalid_argument);
  EXPECT_THROW(linalg::solve(zeros({2, 2}, int32), zeros({2}, int32)), std::invalid_argument);
}

TEST(Linalg, Norms) {
  const double inf = std::numeric_limits<double>::infinity();
  const array m = matrix({1, 2, 3, -4}), v = array({1, 2, -3});
  EXPECT_FLOAT_EQ(linalg::norm(m).item<float>(), 5.4772258f);
  EXPECT_FLOAT_EQ(linalg::norm(m, "fro").item<float>(), 5.4772258f);
  EXPECT_EQ(linalg::norm(m, 1.0).item<float>(), 6);
  EXPECT_EQ(linalg::norm(m, -1.0, std::nullopt, true).shape(), (Shape{1, 1}));
  EXPECT_EQ(linalg::norm(m, inf).item<float>(), 7);
  EXPECT_EQ(linalg::norm(m, -inf).item<float>(), 3);
  EXPECT_EQ(linalg::norm(m, 1.0, std::vector<int>{1, 0}).item<float>(), 7);
  EXPECT_THAT(values(linalg::norm(m, 1.0, 1)), ElementsAre(3, 7));
  EXPECT_EQ(linalg::norm(v, 0.0).item<float>(), 3);
  EXPECT_EQ(linalg::norm(v, -inf).item<float>(), 1);
  EXPECT_FLOAT_EQ(linalg::norm(arange(4), 3.0).item<float>(), 3.3019273f);
  EXPECT_THROW(linalg::norm(m, 3.0), std::invalid_argument);
  EXPECT_THROW(linalg::norm(m, "q"), std::invalid_argument);
  EXPECT_THROW(linalg::norm(v, "fro"), std::invalid_argument);
  EXPECT_THROW(linalg::norm(zeros({2, 2, 2}), 1.0), std::invalid_argument);
  EXPECT_THROW(linalg::norm(m, 4), std::out_of_range);
}

TEST(Linalg, Cross) {
  EXPECT_THAT(values<int>(linalg::cross(array({1, 2, 3}), array({4, 5, 6}))), ElementsAre(-3, 6, -3));
  EXPECT_THAT(values<int>(linalg::cross(array({1, 2}), array({4, 5, 6}))), ElementsAre(12, -6, -3));
  EXPECT_EQ(linalg::cross(zeros({2, 3}), zeros({3})).shape(), (Shape{2, 3}));
  EXPECT_THROW(linalg::cross(zeros({4}), zeros({4})), std::invalid_argument);
  EXPECT_THROW(linalg::cross(zeros({3}), zeros({3}), 1), std::out_of_range);
}

}  // namespace
}  // namespace anabranch
