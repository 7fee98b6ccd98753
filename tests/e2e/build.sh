# Sourced: the samples as another compiler makes them, for whichever test of this folder asks first. The tests run side by side.
#   build_samples MAKE BUILD_FOLDER COMPILER OPTIMISATION     leaves them in $built
#   strip_samples MAKE BUILD_FOLDER COMPILER OPTIMISATION     the same, linked anew without symbols; one test at a time
make_samples() { # make, folder, compiler, optimisation, strip
    "$1" -s samples BUILD="$2" SAMPLE_CC="$3" SAMPLE_OPT="$4" SAMPLE_STRIP="$5" >"$2.log" 2>&1 || {
        sed 's/^/# /' "$2.log"
        echo "Bail out! building with $3 $4 ${5:+stripped}"
        exit 1
    }
}
build_samples() {
    built=$2/$3$4
    mkdir -p "$built"
    exec 9>"$built.lock"
    flock 9
    make_samples "$1" "$built" "$3" "$4" ''
    exec 9>&-
}
strip_samples() {
    build_samples "$@"
    rm -rf "$built-stripped"
    cp -a "$built" "$built-stripped"
    built=$built-stripped
    find "$built/samples" -name '*.sys' -exec rm {} +
    make_samples "$1" "$built" "$3" "$4" 1
}
