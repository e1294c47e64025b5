// core/engine/report.cpp — what a render did, as data.

#include "core/engine/render.hpp"
#include "core/units.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace lacquer {
namespace {

using Json = nlohmann::ordered_json;

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

Json format_of(const SoundFormat& f) {
  return {{"format", f.container},
          {"channels", f.channels},
          {"sample_rate_hz", f.rate_hz},
          {"bits", f.bits ? Json(f.bits) : Json(nullptr)},
          {"float", f.is_float},
          {"frames", f.frames},
          {"duration_s", f.rate_hz > 0 ? number(double(f.frames) / f.rate_hz) : Json(nullptr)}};
}

}  // namespace

std::string to_json(const RenderReport& r, const Graph& graph) {
  Json j;
  if (!graph.about.empty()) j["about"] = graph.about;
  for (const auto& [path, format] : r.inputs) {
    Json one = format_of(format);
    one["file"] = path;
    j["inputs"].push_back(std::move(one));
  }
  j["files"] = Json::array();
  for (const RenderedFile& f : r.files) {
    Json one = format_of(f.format);
    one["file"] = f.path;
    one["clipped_samples"] = f.clipped;
    j["files"].push_back(std::move(one));
  }
  j["aims"] = Json::array();
  for (const SolvedAim& a : r.aims)
    j["aims"].push_back({{"parameter", a.parameter},
                         {"value", number(double(a.value))},
                         {"result", a.result},
                         {"wanted", number(a.wanted)},
                         {"within", number(a.within)},
                         {"got", number(a.got)},
                         {"reached", a.reached},
                         {"passes", a.passes}});
  j["expectations"] = Json::array();
  for (const CheckedExpectation& e : r.expectations)
    j["expectations"].push_back(
        {{"result", e.result}, {"min", number(e.min)}, {"max", number(e.max)}, {"got", number(e.got)}, {"met", e.met}});
  j["good"] = r.good();
  j["results"] = Json::object();
  for (const RunResults::Node& n : r.results.nodes) {
    if (!n.type->result_count) continue;
    Json node = {{"node", n.type->name}};
    for (std::uint32_t i = 0; i < n.type->result_count; ++i)
      node[n.type->results[i].name] = {{"unit", n.type->results[i].unit.symbol},
                                       {"value", number(n.last[i])},
                                       {"lowest", number(n.lowest[i])},
                                       {"highest", number(n.highest[i])}};
    if (!n.details.empty()) node["details"] = Json::parse(n.details);
    j["results"][n.name] = std::move(node);
  }
  j["latency_frames"] = r.results.latency;
  j["non_finite_samples"] = r.results.non_finite;
  j["programme_s"] = number(r.programme_s);
  j["seconds"] = number(r.seconds);
  return j.dump(2);
}

}  // namespace lacquer
