#!/bin/sh
# See to it that the programs are there that the tests look at PDFs and pages with.
set -eu

need() { # command, Debian package
    command -v "$1" >/dev/null || missing="$missing $2"
}

missing=
need pdftotext poppler-utils
need qpdf qpdf
need fc-list fontconfig
command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$missing chromium"
fc-list :lang=ja 2>/dev/null | grep -q . || missing="$missing fonts-noto-cjk"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing for the tests:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086 (a list of words)
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "The tests need these Debian packages, or what stands for them elsewhere:$missing" >&2
    exit 1
fi
