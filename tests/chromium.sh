# Sourced by ./run: Chromium for the tests of the workbench's pages, with a font for Chinese.
# Sets TEST_CHROMIUM, or TEST_CHROMIUM_SKIP to the reason why there is none.

chromium_program() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

find_chromium() {
    [ -z "${TEST_CHROMIUM:-}" ] || return 0
    if ! chromium_program >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "run: installing Chromium for the tests ..." >&2
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium fonts-wqy-microhei; } >/dev/null 2>&1 || true
    fi
    if chromium_program >/dev/null; then
        TEST_CHROMIUM=$(chromium_program)
        export TEST_CHROMIUM
    else
        export TEST_CHROMIUM_SKIP="no Chromium here, and without root and apt-get none can be installed"
    fi
}
