# A template for a tap: fill in the address and the digest of a release's source archive. Not run yet by the project
# itself; see docs/service.md.
#
#   brew install TAP/kado
#   brew services start kado          as your own agent, with ~/Library/Application Support/kado/kado.toml
#   sudo kado service install         or as a daemon with an account of its own
class Kado < Formula
  desc "Submits Katalon Studio suite runs to Azure DevOps Test Plans"
  homepage "@HOMEPAGE@"
  url "@HOMEPAGE@/archive/refs/tags/v@VERSION@.tar.gz"
  sha256 "@SHA256@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args
    generate_completions_from_executable(bin/"kado", "completions")
    system bin/"kado", "man", "--dir", buildpath
    man1.install Dir["*.1"]
    pkgshare.install "packaging/kado.toml"
  end

  service do
    run [opt_bin/"kado", "run"]
    keep_alive successful_exit: false
    throttle_interval 60
    process_type :background
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/kado --version")
  end
end
