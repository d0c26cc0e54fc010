#!/bin/sh
# See to it that the programs are there that the tests need: a relay, and what looks at PDFs,
# pages and mails. With "bench": only what figures are measured against, and nothing fails for it.
set -eu

need() { # command, Debian package
    command -v "$1" >/dev/null || missing="$missing $2"
}

PATH="$PATH:/usr/sbin"
missing=
need postfix postfix
if [ "${1:-}" != bench ]; then
    need pdftotext poppler-utils
    need qpdf qpdf
    need dovecot dovecot-imapd
    need fc-list fontconfig
    need spamassassin spamassassin
    need sshd openssh-server
    command -v chromium >/dev/null || command -v google-chrome >/dev/null ||
        missing="$missing chromium"
    fc-list :lang=ja 2>/dev/null | grep -q . || missing="$missing fonts-noto-cjk"
fi
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing:$missing"
    apt-get update -qq
    case $missing in *postfix*)
        # Without a configuration of its own it starts nothing; the tests bring theirs.
        echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections ;;
    esac
    # Should another mail server be there, apt stops rather than remove it for Postfix.
    # shellcheck disable=SC2086 (a list of words)
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-remove --no-install-recommends \
        $missing >/dev/null
elif [ "${1:-}" = bench ]; then
    echo "not here, so that what is measured against it is absent:$missing" >&2
else
    echo "The tests need these Debian packages, or what stands for them elsewhere:$missing" >&2
    exit 1
fi
