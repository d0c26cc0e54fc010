#!/bin/sh
# See to it that the programs are there that the tests look at PDFs and pages with, or with
# "bench" those that the benchmarks are measured against.
set -eu
PATH=$PATH:/usr/sbin

need() { # command, Debian package
    command -v "$1" >/dev/null || missing="$missing $2"
}

missing=
if [ "${1:-}" = bench ]; then
    need smtp-source postfix
else
    need pdftotext poppler-utils
    need qpdf qpdf
    need fc-list fontconfig
    command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$missing chromium"
    fc-list :lang=ja 2>/dev/null | grep -q . || missing="$missing fonts-noto-cjk"
fi
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing:$missing"
    # Postfix is wanted for its test programs; no mail server is set up or started.
    echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections || true
    apt-get update -qq
    # shellcheck disable=SC2086 (a list of words)
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
elif [ "${1:-}" = bench ]; then
    echo "not on this machine, so that figures against it are absent:$missing" >&2
else
    echo "The tests need these Debian packages, or what stands for them elsewhere:$missing" >&2
    exit 1
fi
