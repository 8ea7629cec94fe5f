# Prints the help of a Makefile: "##@ Group" lines are headings, and the text
# behind "target: ... ## " describes a target. Plain POSIX awk.
BEGIN {
	print "usage: make TARGET [VARIABLE=value ...]"
}
/^##@ / {
	print ""
	print substr($0, 5)
}
/^[A-Za-z][A-Za-z0-9_-]*:.* ## / {
	target = $0
	sub(/:.*/, "", target)
	text = $0
	sub(/^.* ## /, "", text)
	printf "  %-20s %s\n", target, text
}
