"""Mail servers from Debian, each with a configuration of its own that leads back to us."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.returns.generate.room import Room

HOST: Final = "mx.example.jp"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a server is told."""

    port: int  # on which it listens, on loopback
    routes: Mapping[str, int]  # ports on loopback, by domain
    local: str  # its own domain, with the user ``kaiin``
    hasty: bool  # it gives up soon; otherwise it warns soon


@dataclass(frozen=True, slots=True)
class Server:
    """How to install and start one."""

    name: str
    packages: tuple[str, ...]  # the first one's version is the server's
    start: Callable[[Room, Plan], None]
    dsn: bool = True  # it can be asked for reports of delivery and delay
    local: bool = True  # it has mailboxes
    loops: bool = True  # it delivers to itself again


def _postfix(room: Room, plan: Plan) -> None:
    routes = ", ".join(f"{{ {d} = smtp:[127.0.0.1]:{p} }}" for d, p in plan.routes.items())
    times = {"hasty": "maximal_queue_lifetime = 0", "patient": "delay_warning_time = 1s"}
    room.write(
        "/etc/postfix/main.cf",
        f"""compatibility_level = 3.6
myhostname = {HOST}
mydestination = {plan.local}
maillog_file = /var/log/postfix.log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_relay_restrictions = permit_mynetworks, reject
transport_maps = inline:{{ {routes} }}
hopcount_limit = 6
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtpd_delay_reject = yes
{times["hasty" if plan.hasty else "patient"]}
""",
    )
    master = room.path("/etc/postfix/master.cf")
    if not master.exists():
        master.write_text(room.path("/usr/share/postfix/master.cf.dist").read_text())
    lines = master.read_text().splitlines()
    unchrooted = [_postfix_service(line, plan.port) for line in lines]
    master.write_text("\n".join([*unchrooted, "postlog unix-dgram n - n - 1 postlogd", ""]))
    room.run("postfix", "start")


def _postfix_service(line: str, port: int) -> str:
    fields = line.split()
    if len(fields) < 8 or line.startswith(("#", " ")) or fields[0] == "postlog":
        return "" if line.startswith("postlog") else line
    fields[0] = f"127.0.0.1:{port}" if fields[0] == "smtp" and fields[1] == "inet" else fields[0]
    fields[4] = "n"
    return " ".join(fields)


_EXIM: Final = """\
primary_hostname = {host}
exim_user = Debian-exim
never_users = root
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
host_lookup =
acl_smtp_rcpt = accept
dsn_advertise_hosts = *
delay_warning = 1s
received_headers_max = 6
retry_interval_max = 2s
begin routers
routed:
  driver = manualroute
  domains = {domains}
  route_list = {routes}
  self = send
  transport = remote
found:
  driver = dnslookup
  domains = ! {local}
  transport = remote
  no_more
mailbox:
  driver = accept
  domains = {local}
  check_local_user
  transport = mailbox
begin transports
remote:
  driver = smtp
  allow_localhost
  hosts_try_fastopen =
mailbox:
  driver = appendfile
  file = /var/mail/$local_part_data
  user = $local_part_data
  group = mail
begin retry
{retry}
"""


def _exim(room: Room, plan: Plan) -> None:
    config = _EXIM.format(
        host=HOST,
        port=plan.port,
        domains=" : ".join(plan.routes),
        routes=" ; ".join(f"{d} 127.0.0.1::{p}" for d, p in plan.routes.items()),
        local=plan.local,
        retry="" if plan.hasty else "* * F,2h,1s",
    )
    room.write("/etc/exim4/exim4.conf", config)
    room.run("chgrp", "Debian-exim", "/etc/exim4/exim4.conf")
    room.start("exim4", "-bdf", "-q2s", "-oP", "")


def _opensmtpd(room: Room, plan: Plan) -> None:
    actions = "".join(
        f'action "{d}" relay host smtp://127.0.0.1:{p}\n' for d, p in plan.routes.items()
    )
    matches = "".join(f'match for domain "{d}" action "{d}"\n' for d in plan.routes)
    times = "queue ttl 8s\nbounce warn-interval 30d" if plan.hasty else "bounce warn-interval 3s"
    room.write(
        "/etc/smtpd.conf",
        f"""{times}
listen on 127.0.0.1 port {plan.port} hostname {HOST} no-dsn
action "box" mbox
action "found" relay
{actions}{matches}match for domain "{plan.local}" action "box"
match for any action "found"
""".replace(" no-dsn", ""),
    )
    room.write("/etc/mailname", f"{HOST}\n")
    room.start("/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf")


#: One kind of mailer a port: the others are the same but for their arguments.
_MAILERS: Final = ("smtp", "smtp8", "dsmtp", "relay")


def _sendmail(room: Room, plan: Plan) -> None:
    ports = sorted(set(plan.routes.values()))
    mailers = dict(zip(ports, _MAILERS, strict=False))
    arguments = "".join(
        f"define(`{name.upper()}_MAILER_ARGS', `TCP $h {port}')dnl\n"
        for port, name in mailers.items()
    )
    table = "".join(f"{d}\t{mailers[p]}:[127.0.0.1]\n" for d, p in plan.routes.items())
    give_up, warn = ("3s", "4h") if plan.hasty else ("5d", "1s")
    room.write(
        "/etc/mail/ours.mc",
        f"""include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(`debian')dnl
DOMAIN(`debian-mta')dnl
define(`confDOMAIN_NAME', `{HOST}')dnl
define(`confTO_QUEUERETURN', `{give_up}')dnl
define(`confTO_QUEUEWARN', `{warn}')dnl
define(`confMAX_HOP', `6')dnl
define(`confPRIVACY_FLAGS', `authwarnings')dnl
define(`confTO_IDENT', `0')dnl
define(`confMIN_QUEUE_AGE', `0')dnl
{arguments}FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`relay_entire_domain')dnl
FEATURE(`mailertable', `hash -o /etc/mail/mailertable.db')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA, Port={plan.port}, Addr=127.0.0.1')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
LOCAL_CONFIG
Cw{plan.local}
""",
    )
    room.write("/etc/mail/mailertable", table)
    room.run("sh", "-c", "makemap hash /etc/mail/mailertable.db </etc/mail/mailertable")
    room.run("sh", "-c", "m4 /etc/mail/ours.mc >/etc/mail/ours.cf")
    room.run("sh", "-c", "mkdir -p /var/spool/mqueue /run/sendmail/mta; touch /etc/mail/aliases")
    room.run("sh", "-c", "newaliases -oA/etc/mail/aliases || true")
    room.start("/usr/sbin/sendmail-mta", "-bD", "-q1s", "-C", "/etc/mail/ours.cf")


def _courier(room: Room, plan: Plan) -> None:
    routes = "".join(f"{d}:[127.0.0.1],{p}\n" for d, p in plan.routes.items())
    room.write("/etc/courier/esmtproutes", routes)
    for name in ("me", "defaultdomain", "dsnfrom"):
        text = HOST if name != "dsnfrom" else f'"Mail delivery" <MAILER-DAEMON@{HOST}>'
        room.write(f"/etc/courier/{name}", f"{text}\n")
    room.write("/etc/courier/locals", f"{plan.local}\n")
    room.write("/etc/courier/queuetime", "0s\n" if plan.hasty else "7d\n")
    room.write("/etc/courier/warntime", "7d\n" if plan.hasty else "1s\n")
    room.write("/etc/courier/retryalpha", "1s\n")
    room.write("/etc/courier/smtpaccess/default", "127.0.0.1\tallow,RELAYCLIENT,BLOCK\n")
    courierd = room.path("/etc/courier/courierd")
    # As it comes, it sends no reports about what came by SMTP.
    courierd.write_text(courierd.read_text().replace("\nESMTP_BLOCKBACKSCATTER=", "\n#"))
    esmtpd = room.path("/etc/courier/esmtpd")
    lines = [
        f"PORT={plan.port}" if line.startswith("PORT=") else line
        for line in esmtpd.read_text().splitlines()
    ]
    esmtpd.write_text(
        "\n".join([*lines, "ADDRESS=127.0.0.1", "BOFHCHECKDNS=0", "ESMTPDSTART=YES", ""])
    )
    room.run("mkdir", "-p", "/run/courier/authdaemon")
    room.run("makesmtpaccess")
    room.run("sh", "-c", "makealiases; makeacceptmailfor; makehosteddomains; true")
    room.run("sh", "-c", "authdaemond start; courierfilter start; courier start; esmtpd start")


SERVERS: Final = {
    server.name: server
    for server in (
        Server("postfix", ("postfix",), _postfix),
        Server("exim", ("exim4-daemon-light",), _exim),
        Server("opensmtpd", ("opensmtpd",), _opensmtpd),
        Server("sendmail", ("sendmail-bin", "sensible-mda"), _sendmail),
        Server("courier", ("courier-mta",), _courier),
    )
}
