#include "core/io/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>

namespace lacquer {

namespace fs = std::filesystem;

void fail(const std::string& file, const std::string& what, bool system) {
  SoundError error(file + ": " + what);
  error.system = system;
  throw error;
}

std::string reason(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "the disk is full; free some space, or write elsewhere";
    case EFBIG:
      return "the file grows past what is allowed here (ulimit -f, or the file system); write a smaller format";
    case EPIPE:
      return "nobody reads the output any more";
    case EACCES:
    case EPERM:
      return "permission denied; change its permissions, or choose another place";
    case EROFS:
      return "the file system is read-only; write elsewhere";
    case ENAMETOOLONG:
      return "the name is too long; choose a shorter one";
    case EMFILE:
    case ENFILE:
      return "too many files are open (ulimit -n)";
    default:
      return std::strerror(error);
  }
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

std::int64_t read_at(int fd, void* to, std::int64_t bytes, std::int64_t at) {
  std::int64_t done = 0;
  while (done < bytes) {
    const ssize_t n = ::pread(fd, static_cast<char*>(to) + done, std::size_t(bytes - done), at + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += n;
  }
  return done;
}

Fd scratch_file() {
  const char* folder = std::getenv("TMPDIR");
  if (!folder || !*folder) folder = "/tmp";
  Fd fd(::open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd >= 0) return fd;
  std::string name = std::string(folder) + "/lacquer-XXXXXX";
  fd = Fd(::mkostemp(name.data(), O_CLOEXEC));
  if (fd < 0) fail(folder, "no scratch file can be made here: " + reason(errno) + " (set TMPDIR)", true);
  ::unlink(name.c_str());
  return fd;
}

namespace {
/// Writing past a limit or into a closed pipe raises a signal that would end the process: here it is an error like any
/// other, on this thread, for as long as this lives.
class NoSignals {
public:
  NoSignals() {
    sigset_t pending;
    sigemptyset(&ours_);
    sigpending(&pending);
    for (const int s : {SIGXFSZ, SIGPIPE})
      if (!sigismember(&pending, s)) sigaddset(&ours_, s);
    pthread_sigmask(SIG_BLOCK, &ours_, &before_);
  }
  ~NoSignals() {
    const int error = errno;
    const timespec now{};
    while (sigtimedwait(&ours_, nullptr, &now) > 0) {}
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }

private:
  sigset_t ours_, before_;
};

constexpr std::size_t buffer_bytes = 1 << 18;
}  // namespace

Target::Target(std::string path) : path_(std::move(path)), final_(path_) {
  pending_.reserve(buffer_bytes);
  if (path_ == "-") {
    standard_ = true;
    path_ = "standard output";
    fd_ = Fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    if (fd_ < 0) fail(path_, "it is closed", true);
    if (::isatty(fd_)) fail(path_, "it is a terminal; send it to a file or a pipe, or name a file");
    struct stat s {};
    base_ = ::lseek(fd_, 0, SEEK_CUR);
    const int flags = ::fcntl(fd_, F_GETFL);
    seekable_ = base_ >= 0 && ::fstat(fd_, &s) == 0 && S_ISREG(s.st_mode) && !(flags & O_APPEND);
    return;
  }
  std::error_code none;
  if (const fs::path real = fs::canonical(path_, none); !none) final_ = real.string();
  struct stat s {};
  if (::stat(final_.c_str(), &s) == 0) {
    if (S_ISDIR(s.st_mode)) fail(path_, "this is a folder; name a file in it");
    if (!S_ISREG(s.st_mode)) fail(path_, "this is not an ordinary file; write to one, or to '-' for a pipe");
    if (::access(final_.c_str(), W_OK)) fail(path_, "it is write-protected; unlock it, or choose another name", true);
    old_mode_ = true;
    mode_ = s.st_mode & 07777;
  }
  std::string folder = fs::path(final_).parent_path().string();
  if (folder.empty()) folder = ".";
  if (fs::path(final_).filename().string().size() > 255) fail(path_, reason(ENAMETOOLONG));
  // Unnamed files are named through /proc; where either is missing, a hidden name does.
  fd_ = Fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666));
  if (fd_ >= 0 && ::access(name_for_reading().c_str(), R_OK) == 0) return;
  const int error = fd_ >= 0 ? EOPNOTSUPP : errno;
  if (error == EOPNOTSUPP || error == EISDIR || error == EINVAL) {
    temporary_ = hidden_name();
    fd_ = Fd(::open(temporary_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666));
    if (fd_ >= 0) return;
    temporary_.clear();
  }
  if (error == ENOENT) fail(path_, "the folder " + folder + " does not exist; make it first", true);
  if (error == ENOTDIR) fail(path_, folder + " is not a folder; choose another place", true);
  fail(path_, "nothing can be written in " + folder + ": " + reason(error), true);
}

Target::~Target() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

std::string Target::hidden_name() const {
  static unsigned count = 0;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const fs::path final(final_);
  char tail[64];
  std::snprintf(tail, sizeof tail, ".lacquer-%x-%lx-%x.tmp", unsigned(::getpid()), now.tv_nsec, ++count);
  return (final.parent_path() / ("." + final.filename().string().substr(0, 180) + tail)).string();
}

bool Target::put(std::int64_t at, const char* data, std::int64_t bytes) noexcept {
  const NoSignals quiet;
  for (std::int64_t done = 0; done < bytes && !error_;) {
    const auto n = seekable_ ? ::pwrite(fd_, data + done, std::size_t(bytes - done), base_ + at + done)
                             : ::write(fd_, data + done, std::size_t(bytes - done));
    if (n < 0 && errno != EINTR) error_ = errno;
    if (n == 0) error_ = ENOSPC;
    if (n > 0) done += n;
  }
  return !error_;
}

bool Target::flush() noexcept {
  if (!pending_.empty() && !error_) put(pending_at_, pending_.data(), std::int64_t(pending_.size()));
  pending_.clear();
  return !error_;
}

bool Target::write_at(std::int64_t at, const void* data, std::int64_t bytes) noexcept {
  if (error_) return false;
  if (!seekable_ && at != size_) {
    error_ = ESPIPE;
    return false;
  }
  if (at != pending_at_ + std::int64_t(pending_.size()) || pending_.size() + std::size_t(bytes) > buffer_bytes) {
    if (!flush()) return false;
    pending_at_ = at;
  }
  size_ = std::max(size_, at + bytes);
  const char* from = static_cast<const char*>(data);
  if (std::size_t(bytes) > buffer_bytes) return pending_at_ = at + bytes, put(at, from, bytes);
  pending_.insert(pending_.end(), from, from + bytes);
  return true;
}

std::int64_t Target::read_back(std::int64_t at, void* to, std::int64_t bytes) noexcept {
  if (!seekable_ || !flush()) return -1;
  return read_at(fd_, to, bytes, base_ + at);
}

void Target::check() const {
  if (error_) fail(path_, "it could not be written: " + reason(error_), true);
}

std::string Target::name_for_reading() const { return standard_ ? "" : "/proc/self/fd/" + std::to_string(int(fd_)); }

void Target::commit() {
  flush();
  check();
  if (standard_) return;
  struct stat s {};
  if (::fstat(fd_, &s) || s.st_size != size_) fail(path_, "the disk holds less than was written; check it", true);
  if (old_mode_ && ::fchmod(fd_, mode_t(mode_))) {
    // Not our file system's business: the new file keeps the usual permissions.
  }
  if (::fsync(fd_)) fail(path_, "it could not be written: " + reason(errno), true);
  const auto give_name = [&](const std::string& name) {
    return ::linkat(AT_FDCWD, name_for_reading().c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
  };
  const bool named = temporary_.empty() && give_name(final_);
  if (!named) {
    if (temporary_.empty()) {  // a name that exists can only be taken over by renaming
      if (errno != EEXIST) fail(path_, "it could not be named: " + reason(errno), true);
      temporary_ = hidden_name();
      if (!give_name(temporary_)) {
        const int error = errno;
        temporary_.clear();
        fail(path_, "it could not be named: " + reason(error), true);
      }
    }
    if (::rename(temporary_.c_str(), final_.c_str())) fail(path_, "it could not be named: " + reason(errno), true);
    temporary_.clear();
  }
  std::string folder = fs::path(final_).parent_path().string();
  // The name too must survive a power cut. Some file systems cannot sync a folder: then nothing more can be done.
  if (const Fd dir(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); dir >= 0)
    ::fsync(dir);
}

bool same_file(const std::string& a, const std::string& b) {
  struct stat x {
  }, y{};
  const auto look = [](const std::string& path, struct stat& s) {
    return path == "-" ? ::fstat(STDIN_FILENO, &s) == 0 : ::stat(path.c_str(), &s) == 0;
  };
  return look(a, x) && look(b, y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

}  // namespace lacquer
