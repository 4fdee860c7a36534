# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion for bash. `make lint` compares it with the tables that runup parses with.

# Offers what compgen makes of the arguments and begins with CURRENT.
_runup_reply() { # CURRENT COMPGEN-ARGUMENTS
	local current=$1
	shift
	mapfile -t COMPREPLY < <(compgen "$@" -- "$current")
	# File names get their slash and their quotes; outside a completion there is nothing to tell.
	[[ $1 != -f ]] || compopt -o filenames 2>/dev/null || true
}

# The words that may follow an option as its value; fails where the option takes none.
_runup_value() { # OPTION CURRENT COMMAND
	case $1 in
	--color) _runup_reply "$2" -W 'auto always never' ;;
	-o | --output) _runup_reply "$2" -W "text json$([[ ${3-} != check ]] || echo ' junit tap')" ;;
	--fail-on) _runup_reply "$2" -W 'warn fail' ;;
	--as) _runup_reply "$2" -W 'sysctl.d shell ansible kubernetes' ;;
	--role) _runup_reply "$2" -W 'server generator proxy' ;;
	--process) _runup_reply "$2" -W "$(ps -eo comm= 2>/dev/null)" ;;
	--unit) _runup_reply "$2" -W "$(systemctl list-units --plain --no-legend --type=service 2>/dev/null | cut -d' ' -f1)" ;;
	--closes) _runup_reply "$2" -W 'client server' ;;
	--user) _runup_reply "$2" -u ;;
	--root | --report | --results) _runup_reply "$2" -f ;;
	--netns) _runup_reply "$2" -W "$(ip netns list 2>/dev/null | cut -d' ' -f1)" ;;
	-p | --profile) _runup_profiles "$2" ;;
	--only | --skip) _runup_checks "$2" "$([[ ${3-} != run || $1 != --skip ]] || echo all)" ;;
	--burst | --connections | --duration | --for | --interval | --latency | --new-connections | --observe | \
		--pid | --port | --rate | --settle | --source-ips | --target | --warmup) ;;
	*) return 1 ;;
	esac
}

# Ids of those kinds that the program itself names: it is the one that is being completed.
_runup_ids() { # KIND…
	local kinds=" $* "
	"${COMP_WORDS[0]:-runup}" help --tsv 2>/dev/null |
		while IFS=$'\t' read -r kind id _; do
			[[ $kinds != *" $kind "* ]] || printf '%s\n' "$id"
		done
}

# A list with commas: what stands in front of the last one stays. An area is what is before a dot.
_runup_checks() { # CURRENT MORE
	local before='' ids
	[[ $1 != *,* ]] || before=${1%,*},
	ids=$(_runup_ids check)
	_runup_reply "$1" -W "$({ printf '%s\n' "$ids" "$2" && cut -d. -f1 <<<"$ids"; } |
		sort -u | sed "/./s/^/$before/")"
}

_runup_profiles() { # CURRENT
	local file names=()
	if [[ $1 == */* ]]; then
		_runup_reply "$1" -f
		return
	fi
	for file in ${RUNUP_PROFILE_DIR:+"$RUNUP_PROFILE_DIR"/*.ini} /etc/runup/profiles/*.ini /usr/local/share/runup/profiles/*.ini /usr/share/runup/profiles/*.ini; do
		[[ -e $file ]] || continue
		file=${file##*/}
		names+=("${file%.ini}")
	done
	_runup_reply "$1" -W "${names[*]}"
}

_runup() {
	local current=${COMP_WORDS[COMP_CWORD]} command='' before i
	local load='--bind-first --burst --closes --connections --duration --latency --new-connections
		--no-keepalive --pid --port --process --rate --role --source-ips --target --unit'
	COMPREPLY=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--) # the words of the command that runup starts
			_runup_reply "$current" -f -c
			return
			;;
		--root | --netns | --color) [[ -n $command ]] || ((i++)) ;;
		-*) ;;
		*) [[ -n $command ]] || command=${COMP_WORDS[i]} ;;
		esac
	done
	before=${COMP_WORDS[COMP_CWORD - 1]}
	[[ $before != -* ]] || ! _runup_value "$before" "$current" "$command" || return 0

	local options=
	case $command in
	'') options='--root --netns --color --quiet -q --verbose -v --version -V' ;;
	check) options="--profile -p --observe --output -o --only --skip --fail-on $load" ;;
	capacity) options="--profile -p --output -o $load" ;;
	apply) options="--dry-run -n --as --for --keep-going --output -o $load" ;;
	rollback) options='--all --expired --unfinished --profile -p --force --dry-run -n --output -o' ;;
	status | doctor) options='--output -o' ;;
	watch) options="--profile -p --interval --for --output -o $load" ;;
	profiles) options="--output -o $load" ;;
	run) options="--profile -p --apply --skip --user --report --no-argv $load" ;;
	help) options='--tsv' ;;
	esac

	if [[ $current == -* ]]; then
		_runup_reply "$current" -W "$options"
	elif [[ -z $command ]]; then
		_runup_reply "$current" -W 'check capacity apply confirm rollback status watch run profiles explain doctor help'
	else
		case $command in
		apply | profiles) _runup_profiles "$current" ;;
		explain) _runup_reply "$current" -W "$(_runup_ids check cause resource)" ;;
		confirm | rollback) _runup_reply "$current" -W "$(_runup_changesets)" ;;
		help) _runup_reply "$current" -W 'check capacity apply confirm rollback status watch run profiles explain doctor' ;;
		esac
	fi
}

_runup_changesets() {
	local file
	for file in "${RUNUP_STATE_DIR:-/var/lib/runup}"/changesets/*.journal; do
		[[ -e $file ]] || continue
		file=${file##*/}
		printf '%s\n' "${file%.journal}"
	done
}

complete -F _runup runup
