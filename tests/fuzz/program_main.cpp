// A target in C++ without libFuzzer.
//
//   program FILE...                  each file is an input
//   program --blind SECONDS SEED     random inputs; one that fails is left in the file `crash-blind`
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// Mostly small numbers, as indices and lengths are.
std::vector<std::uint8_t> random_input(std::mt19937& random) {
  std::vector<std::uint8_t> made(random() % 4096);
  const unsigned bits = random() % 8 + 1;
  for (std::uint8_t& octet : made)
    octet = static_cast<std::uint8_t>(random() >> (random() % 4 == 0 ? 24 : 32 - bits));
  return made;
}

int blind(double seconds, unsigned seed) {
  std::mt19937 random(seed);
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  std::size_t inputs = 0;
  for (; std::chrono::steady_clock::now() < end; ++inputs) {
    const std::vector<std::uint8_t> input = random_input(random);
    std::ofstream("crash-blind", std::ios::binary)
        .write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::remove("crash-blind");
  std::printf("%zu random inputs, from seed %u\n", inputs, seed);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count == 4 && std::string_view(words[1]) == "--blind") {
    return blind(std::atof(words[2]), static_cast<unsigned>(std::strtoul(words[3], nullptr, 10)));
  }
  for (int i = 1; i < count; ++i) {
    std::ifstream file(words[i], std::ios::binary);
    if (!file) return 2;
    const std::vector<std::uint8_t> input{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(input.data(), input.size());
    std::printf("ok %s\n", words[i]);
  }
  return 0;
}
