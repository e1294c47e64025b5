// bench/lv2_host.cpp — runs an LV2 plug-in over a sound file and says what that costs: peers for bench/race.sh.
//
//   lv2_host URI IN [OUT.wav|-] [SYMBOL=VALUE]...      prints ns per frame, the median of five passes, one core

#include <lilv/lilv.h>
#include <lv2/atom/atom.h>
#include <lv2/buf-size/buf-size.h>
#include <lv2/core/lv2.h>
#include <lv2/options/options.h>
#include <lv2/urid/urid.h>
#include <sndfile.hh>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr std::uint32_t block = 1024;

LV2_URID map_uri(LV2_URID_Map_Handle handle, const char* uri) {
  auto& uris = *static_cast<std::map<std::string, LV2_URID>*>(handle);
  return uris.try_emplace(uri, LV2_URID(uris.size() + 1)).first->second;
}

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "lv2_host: %s\n", why.c_str());
  std::exit(1);
}

struct Free {
  void operator()(LilvWorld* w) const { lilv_world_free(w); }
  void operator()(LilvNode* n) const { lilv_node_free(n); }
  void operator()(LilvInstance* i) const { lilv_instance_free(i); }
};
using Node = std::unique_ptr<LilvNode, Free>;

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) stop("usage: lv2_host URI IN [OUT.wav|-] [SYMBOL=VALUE]...");
  SndfileHandle file(argv[2]);
  if (!file || file.channels() != 2) stop(std::string(argv[2]) + " is no stereo sound file");
  const auto frames = std::uint32_t(file.frames());
  std::vector<float> woven(2 * std::size_t(frames));
  file.readf(woven.data(), frames);
  std::vector<float> in[2], out[2];
  for (std::size_t c = 0; c < 2; ++c) {
    in[c].resize(frames + block);
    out[c].resize(frames + block);
    for (std::size_t i = 0; i < frames; ++i) in[c][i] = woven[2 * i + c];
  }

  std::map<std::string, LV2_URID> uris;
  LV2_URID_Map map{&uris, map_uri};
  const std::int32_t length = std::int32_t(block);
  const LV2_URID integer = map_uri(&uris, LV2_ATOM__Int);
  const LV2_Options_Option options[] = {
      {LV2_OPTIONS_INSTANCE, 0, map_uri(&uris, LV2_BUF_SIZE__minBlockLength), sizeof length, integer, &length},
      {LV2_OPTIONS_INSTANCE, 0, map_uri(&uris, LV2_BUF_SIZE__maxBlockLength), sizeof length, integer, &length},
      {LV2_OPTIONS_INSTANCE, 0, 0, 0, 0, nullptr}};
  const LV2_Feature map_feature{LV2_URID__map, &map}, bounded{LV2_BUF_SIZE__boundedBlockLength, nullptr},
      options_feature{LV2_OPTIONS__options, const_cast<LV2_Options_Option*>(options)};
  const LV2_Feature* const features[] = {&map_feature, &bounded, &options_feature, nullptr};

  const std::unique_ptr<LilvWorld, Free> world(lilv_world_new());
  lilv_world_load_all(world.get());
  const Node uri(lilv_new_uri(world.get(), argv[1]));
  const LilvPlugin* plugin = lilv_plugins_get_by_uri(lilv_world_get_all_plugins(world.get()), uri.get());
  if (!plugin) stop(std::string(argv[1]) + " is not installed");
  const std::unique_ptr<LilvInstance, Free> instance(lilv_plugin_instantiate(plugin, file.samplerate(), features));
  if (!instance) stop(std::string(argv[1]) + " wants more of its host than there is here");

  const auto kind = [&](const char* name) { return Node(lilv_new_uri(world.get(), name)); };
  const Node audio = kind(LV2_CORE__AudioPort), input = kind(LV2_CORE__InputPort),
             control = kind(LV2_CORE__ControlPort);
  const std::uint32_t ports = lilv_plugin_get_num_ports(plugin);
  std::vector<float> values(ports);
  std::vector<std::vector<std::uint64_t>> atoms(ports);  // of events: none come in
  std::vector<std::pair<std::uint32_t, std::size_t>> ins, outs;
  std::vector<std::vector<float>> rest(ports);
  lilv_plugin_get_port_ranges_float(plugin, nullptr, nullptr, values.data());
  for (std::uint32_t p = 0; p < ports; ++p) {
    const LilvPort* port = lilv_plugin_get_port_by_index(plugin, p);
    const bool is_input = lilv_port_is_a(plugin, port, input.get());
    if (lilv_port_is_a(plugin, port, audio.get())) {
      auto& list = is_input ? ins : outs;
      if (list.size() < 2) {
        list.emplace_back(p, list.size());
      } else {
        rest[p].resize(block);  // side-chains: silent
        lilv_instance_connect_port(instance.get(), p, rest[p].data());
      }
    } else if (lilv_port_is_a(plugin, port, control.get())) {
      if (values[p] != values[p]) values[p] = 0;
      const char* symbol = lilv_node_as_string(lilv_port_get_symbol(plugin, port));
      const std::size_t size = std::strlen(symbol);
      for (int a = 3; a < argc; ++a)
        if (!std::strncmp(argv[a], symbol, size) && argv[a][size] == '=') {
          values[p] = float(std::atof(argv[a] + size + 1));
          argv[a][0] = 0;
        }
      lilv_instance_connect_port(instance.get(), p, &values[p]);
    } else {
      atoms[p].assign(8192, 0);
      lilv_instance_connect_port(instance.get(), p, atoms[p].data());
    }
  }
  for (int a = 3; a < argc; ++a)
    if (std::strchr(argv[a], '=')) stop(std::string(argv[1]) + " has no control for " + argv[a]);
  if (ins.size() != 2 || outs.size() != 2) stop(std::string(argv[1]) + " is not a stereo plug-in");

  std::vector<double> passes;
  for (int pass = 0; pass < 5; ++pass) {
    lilv_instance_activate(instance.get());
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint32_t at = 0; at < frames; at += block) {
      for (const auto& [port, c] : ins) lilv_instance_connect_port(instance.get(), port, in[c].data() + at);
      for (const auto& [port, c] : outs) lilv_instance_connect_port(instance.get(), port, out[c].data() + at);
      for (std::uint32_t p = 0; p < ports; ++p)
        if (!atoms[p].empty()) {
          auto* sequence = reinterpret_cast<LV2_Atom_Sequence*>(atoms[p].data());
          const LilvPort* port = lilv_plugin_get_port_by_index(plugin, p);
          const bool comes_in = lilv_port_is_a(plugin, port, input.get());
          sequence->atom.type = map_uri(&uris, comes_in ? LV2_ATOM__Sequence : LV2_ATOM__Chunk);
          sequence->atom.size = std::uint32_t(comes_in ? sizeof(LV2_Atom_Sequence_Body) : 8192 * 8 - sizeof(LV2_Atom));
        }
      lilv_instance_run(instance.get(), block);
    }
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - begin;
    passes.push_back(time.count() / frames);
    lilv_instance_deactivate(instance.get());
  }
  std::nth_element(passes.begin(), passes.begin() + 2, passes.end());
  std::printf("%.1f\n", passes[2]);

  if (argc > 3 && argv[3][0] && std::strcmp(argv[3], "-")) {
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t i = 0; i < frames; ++i) woven[2 * i + c] = out[c][i];
    SndfileHandle(argv[3], SFM_WRITE, SF_FORMAT_WAV | SF_FORMAT_FLOAT, 2, file.samplerate())
        .writef(woven.data(), frames);
  }
}
