"""Why a model decides: where it looks, whether that holds, what moves its answer."""
