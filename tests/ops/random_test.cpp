// The numbers are MLX 0.32's for the same keys.
#include "anabranch/random.h"

#include <cmath>
#include <thread>

#include "values.h"

namespace anabranch {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::Not;
using ::testing::Pointwise;
using testing::values;

const array seven = random::key(7);

TEST(Random, Keys) {
  EXPECT_THAT(values<std::uint32_t>(random::key((std::uint64_t{1} << 40) + 5)), ElementsAre(256, 5));
  EXPECT_THAT(values<std::uint32_t>(random::split(seven, 3)),
              ElementsAre(276534068u, 861967409u, 1905761346u, 1641862660u, 2900896126u, 1402713516u));
  const auto [first, second] = random::split(seven);
  EXPECT_THAT(values<std::uint32_t>(first), ElementsAre(966301609u, 989289821u));
  EXPECT_THAT(values<std::uint32_t>(second), ElementsAre(1948237315u, 1058547403u));
  EXPECT_THROW(random::bits({2}, 8, seven), std::invalid_argument);
  EXPECT_THROW(random::bits({-2}, 4, seven), std::invalid_argument);
  EXPECT_THROW(random::bits({2}, 4, array({1, 2})), std::invalid_argument);
  EXPECT_THROW(random::bits({2}, 4, zeros({3}, uint32)), std::invalid_argument);
}

TEST(Random, Uniform) {
  EXPECT_THAT(values(random::uniform({6}, seven)),
              ElementsAre(0.06438560783863068f, 0.20069243013858795f, 0.44371965527534485f, 0.38227593898773193f,
                          0.6754174828529358f, 0.32659468054771423f));
  EXPECT_THAT(values(random::uniform({3}, float16, seven)), ElementsAre(0.224975586f, 0.426269531f, 0.453613281f));
  EXPECT_THAT(values(random::uniform(1, 5, {4}, float32, seven)),
              Pointwise(FloatEq(), {1.8999385834f, 1.9213478565f, 2.8144373894f, 1.9858491421f}));
  EXPECT_THROW(random::uniform({2}, int32, seven), std::invalid_argument);
  EXPECT_THROW(random::uniform({2}, complex64, seven), std::invalid_argument);
  EXPECT_THROW(random::uniform(zeros({3}), array(1.0f), {2}, float32, seven), std::invalid_argument);
  EXPECT_THROW(random::uniform({-1}, seven), std::invalid_argument);
}

TEST(Random, UniformStaysBelowOne) {
  for (Dtype d : {float16, bfloat16, float32}) {
    EXPECT_LT(max(random::uniform({1 << 20}, d, seven)).item<float>(), 1) << dtype_name(d);
  }
}

TEST(Random, Normal) {
  const auto x = values(random::normal({6}, seven));
  const float expected[] = {-1.518965f, -0.8391503f, -0.1415450f, -0.2995087f, 0.4549225f, -0.4493358f};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(x[i], expected[i], 2e-6f);
  const auto moved = values(random::normal({4}, 2.0f, 3.0f, seven));
  const float expected_moved[] = {-0.2663987f, -0.2132120f, 1.6503580f, -0.0569942f};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(moved[i], expected_moved[i], 1e-5f);
  EXPECT_EQ(random::normal({2}, complex64, seven).dtype(), complex64);
  EXPECT_THROW(random::normal({2}, int32, seven), std::invalid_argument);
  EXPECT_THROW(random::normal({2}, float32, zeros({3}), std::nullopt, seven), std::invalid_argument);
  const array sample = random::normal({1 << 18}, seven);
  EXPECT_NEAR(mean(sample).item<float>(), 0, 0.01);
  EXPECT_NEAR(var(sample).item<float>(), 1, 0.02);
}

TEST(Random, Randint) {
  const array bounds = array({1, 100, 1000, 0});
  EXPECT_THAT(values<int>(random::randint(array(-5), bounds, {4}, int32, seven)), ElementsAre(-4, 19, 450, -4));
  EXPECT_THAT(values<int>(random::randint(0, 200, {4}, uint8, seven)), ElementsAre(44, 46, 90, 49));
  EXPECT_THAT(values<int>(random::randint(10, 0, {2}, int32, seven)), ElementsAre(10, 10));
  EXPECT_THAT(values<int>(random::randint(-128, 128, {6}, int8, seven)), ElementsAre(-112, -77, -15, -31, 44, -45));
  EXPECT_THROW(random::randint(0, 5, {2}, float32, seven), std::invalid_argument);
}

TEST(Random, ImplicitKeys) {
  random::seed(0);
  const auto first = values(random::uniform({3})), second = values(random::uniform({3}));
  EXPECT_THAT(first, Pointwise(FloatEq(), {0.8724143505f, 0.1110515594f, 0.2770805359f}));
  EXPECT_THAT(second, Not(Pointwise(FloatEq(), first)));
  random::seed(0);
  EXPECT_EQ(values(random::uniform({3})), first);
}

TEST(Random, ThreadsHaveSequencesOfTheirOwn) {
  random::seed(0);
  std::vector<float> other;
  std::thread([&] { other = values(random::uniform({3})); }).join();
  EXPECT_NE(other, values(random::uniform({3})));
  std::thread([&] {
    random::seed(0);
    other = values(random::uniform({3}));
  }).join();
  random::seed(0);
  EXPECT_EQ(other, values(random::uniform({3})));
}

TEST(Random, Others) {
  EXPECT_THAT(values<bool>(random::bernoulli(array({0.1f, 0.9f}), seven)), ElementsAre(true, false));
  EXPECT_THROW(random::bernoulli(array({1, 0}), seven), std::invalid_argument);
  EXPECT_THROW(random::bernoulli(array({0.1f, 0.9f}), {3}, seven), std::invalid_argument);
  const auto near = [](const array& a, std::initializer_list<float> expected) {
    const auto x = values(a);
    std::size_t i = 0;
    for (float e : expected) EXPECT_NEAR(x[i++], e, 2e-6f);
  };
  near(random::gumbel({4}, float32, seven), {-0.399932f, -0.384045f, 0.235066f, -0.336862f});
  near(random::laplace({4}, seven), {0.798576f, 0.775065f, 0.0973717f, 0.707399f});
  near(random::truncated_normal(array(-1), array(2), {4}, float32, seven),
       {-0.404761f, -0.39287f, 0.0752132f, -0.357369f});
  const array logits = reshape(array({0.1f, 1.0f, 2.0f, 3.0f, 1.0f, 0.0f}), {2, 3});
  EXPECT_THAT(values<int>(random::categorical(logits, -1, seven)), ElementsAre(2, 0));
  EXPECT_THAT(values<int>(random::categorical(logits, -1, 3, seven)), ElementsAre(2, 0, 1, 0, 0, 0));
  EXPECT_THAT(values<int>(random::categorical(logits, 0, Shape{4, 3}, seven)),
              ElementsAre(0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 0));
  EXPECT_THROW(random::categorical(logits, 2, seven), std::out_of_range);
  EXPECT_THROW(random::categorical(logits, -1, Shape{5}, seven), std::invalid_argument);
}

}  // namespace
}  // namespace anabranch
