"""Every experiment of the command line as a method; arguments have the names of the fields of its one description."""
from __future__ import annotations

import inspect
import os
from typing import Any, Callable, Literal, Mapping, Optional, Sequence, Union, overload

from . import _requests
from ._requests import Axes, Target, Text
from .edits import Edits, Indices
from .generation import Generation, Stream
from .results import Result

Path = Union[str, "os.PathLike[str]"]
Metric = Literal["log_prob", "prob", "rank", "logit", "logit_diff", "kl", "entropy"]

# Arguments whose fields have another name: lists there.
FIELDS: dict[str, str] = {"target": "targets", "edit": "edits", "over": "axes"}
_TO_FIELD: dict[str, Callable[[Any], Any]] = {
    "targets": _requests.targets,
    "axes": _requests.axes,
    "parts": _requests.strings,
    "also": _requests.strings,
    "reference": _requests.strings,
    "positive": _requests.strings,
    "negative": _requests.strings,
    "texts": _requests.strings,
    "choices": list,
    "group_a": _requests.strings,
    "group_b": _requests.strings,
    "heads": _requests.strings,
    "rows": _requests.strings,
    "stops": _requests.strings,
    "captures": _requests.strings,
    "hooks": _requests.strings,
    "words": _requests.targets,
    "analogies": _requests.strings,
    "tokens": _requests.indices,
    "layers": _requests.indices,
    "positions": _requests.indices,
    "depths": _requests.indices,
}


def field_of(experiment: str, argument: str) -> str:
    """The field of an argument. The lens follows one target, and a heat map is by several rows."""
    own = {("lens", "target"): "target", ("heatmap", "by"): "rows"}
    return own.get((experiment, argument), FIELDS.get(argument, argument))


def given_fields(experiment: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that differ from their defaults, under the names of their fields."""
    given = {}
    for name, parameter in inspect.signature(getattr(Experiments, experiment)).parameters.items():
        value = arguments[name]
        if name in ("self", "text", "stream") or value is None:
            continue
        if type(value) is not type(parameter.default) or value != parameter.default:
            field = field_of(experiment, name)
            given[field] = _TO_FIELD[field](value) if field in _TO_FIELD else value
    return given


class Experiments:
    """The methods of a model that are experiments.

    Common arguments: `text` is a str, Tokens, or token ids; `edits` rewrite hook points first (stratoscope.edits; `run` alone takes
    functions); `corrupt` is the text that edits with "corrupt" read; `bos` puts the beginning-of-text token first (None:
    as the model's tokenizer does); `truncate` cuts a text at the model's context instead of raising; `target` is the
    token that the metric follows, as text or id, two for a difference of logits. Indices count from 0, negative ones
    from the end; lists of them are also texts such as "2:5,-1". `compare` adds the clean run's numbers to those with the
    edits, as arrays "clean_…"; `no_effect` saves the run that measures the edits' effect. An argument that is None has the
    library's default.

    Each raises ValueError for values that do not fit, EditError for edits, and gives a Result.
    """

    def _ask(self, name: str, arguments: Mapping[str, Any]) -> Result:
        raise NotImplementedError

    def _stream(self, arguments: Mapping[str, Any]) -> Stream:
        raise NotImplementedError

    def predict(
        self,
        text: Text,
        *,
        top: int = 10,
        position: Union[int, str, None] = None,
        all: bool = False,
        target: Optional[Target] = None,
        compare: bool = False,
        temperatures: Optional[Sequence[float]] = None,
        draw: Literal["top", "distribution", "temperatures"] = "top",
        edits: Edits = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """The `top` likeliest tokens after `position` (default: the last), or with `all` each token's surprisal too.

        target: one or several tokens that are listed however unlikely they are
        temperatures: also result["tempered_probs"] [temperature, top]
        draw: the content of the figure: the likeliest tokens, the whole distribution, or several temperatures
        values: probs [top]; with `all` surprisals [pos - 1], nats.
        """
        return self._ask("predict", locals())

    def score(
        self,
        text: Optional[Text] = None,
        *,
        texts: Optional[Sequence[str]] = None,
        choices: Optional[Sequence[Mapping[str, Any]]] = None,
        context: int = 0,
        stride: int = 0,
        against: Optional[str] = None,
        resume: Optional[Path] = None,
        edits: Edits = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
    ) -> Result:
        """The perplexity of a text or of many, or the log-likelihoods of choices.

        choices: instead of `text`, dictionaries with "text" (or "ctx"), "choices" (or "endings"), and maybe "label"
        context, stride: tokens in a window (0: as many as the model was trained for), and from one window's beginning to
        the next one's (0: half a window); each token is scored once
        against: another model with the same tokenizer; with it or with edits there are differences and divergences
        resume: a file that keeps finished windows
        values: nats [token] of all texts, from each one's second token on, which result["row_offsets"] separates; with
        edits or `against` also result["other_nats"] and result["kl"]. Of choices: log_probs [item, choice].
        """
        return self._ask("score", locals())

    def heatmap(
        self,
        text: Text,
        *,
        by: Union[str, Sequence[str], None] = None,
        target: Optional[Target] = None,
        position: Union[int, str, None] = None,
        compare: bool = False,
        edits: Edits = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """A text coloured by numbers, one for each token.

        by: one or several of "surprisal" (the default), "entropy", "HOOK.dim[N]", "L5H3[from -1]", "L5H3[to 0]",
            "attribution" (of `target` after `position`), "FILE.npy:COLUMN"
        values: [row, pos], NaN for a token without a number.
        """
        return self._ask("heatmap", locals())

    def activations(
        self,
        text: Text,
        *,
        token: Union[int, str, None] = None,
        compare: bool = False,
        no_effect: bool = False,
        edits: Edits = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """One token's activations at every depth, and their variance (unbiased).

        token: an index, or a word of the text (default: 8, or the last)
        values: [n_layers + 1, d_model].
        """
        return self._ask("activations", locals())

    def distributions(
        self,
        text: Text,
        *,
        hooks: Union[str, Sequence[str]],
        bins: int = 60,
        limits: Optional[Sequence[float]] = None,
        own_bins: bool = False,
        compare: bool = False,
        edits: Edits = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """Histograms, variance and kurtosis of the values at hook points, block by block.

        hooks: names, globs, or a name without its block ("hook_q": all blocks), with positions and heads
        ("hook_q[-1].head[3]"); `limits` are the ends of the bins, `own_bins` gives each hook bins of its own values
        values: counts [hook, block, bin]; edges [hook, bin + 1]; mean, variance, kurtosis (excess), zeros (the share of
        exact zeros), min, max, count and outside (of the bins) [hook, block].
        """
        return self._ask("distributions", locals())

    def similarity(
        self,
        text: Text,
        *,
        across: Optional[Literal["layers", "tokens"]] = None,
        tokens: Optional[Indices] = None,
        layers: Optional[Indices] = None,
        profile: bool = False,
        positions: Indices = "all",
        most_pairs: int = 0,
        compare: bool = False,
        no_effect: bool = False,
        edits: Edits = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """Cosine similarity: across layers for chosen `tokens`, across tokens at chosen `layers`, or the profile.

        layers: entries of the hidden states, 0 is what enters the first block
        profile: all pairs of tokens but the first, at every depth; `most_pairs` is the largest number to list of them
        positions: the tokens of a comparison across tokens, or of the profile
        values: [token, depth, depth], [layer, pos, pos], or [depth, pair].
        """
        return self._ask("similarity", locals())

    def sweep(
        self,
        text: Optional[Text] = None,
        *,
        edit: Union[str, Sequence[str], None] = None,
        over: Optional[Axes] = None,
        target: Optional[Target] = None,
        metric: Metric = "log_prob",
        also: Union[Metric, Sequence[Metric], None] = None,
        position: Optional[int] = None,
        whole: bool = False,
        prompts: Optional[Sequence[Mapping[str, Any]]] = None,
        plan: bool = False,
        save: Optional[Path] = None,
        resume: Optional[Path] = None,
        memory_limit: Union[int, str, None] = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """An edit over a grid: "blocks.{layer}.hook_resid_post *= 0.8" over {"layer": "all"}.

        Each grid point has the bits of a whole run with that edit, and computes only what the edit can change.
        target: several tokens are followed at once; `also`, further metrics of the same runs; with either, the arrays
                 "measures" [measure, axes …] and "clean_measures" [measure]
        position: the metrics are read after this position, by default the last
        prompts: instead of `text`, dictionaries with "text", and "corrupt", "target" or "target_id" of their own
        values: the metric [axes …], nats for log_prob, kl and entropy; `clean` without edits; result["kl"] per point.
        """
        return self._ask("sweep", locals())

    def patch(
        self,
        text: Text,
        *,
        corrupt: str,
        noising: bool = False,
        target: Optional[Target] = None,
        metric: Optional[Metric] = None,
        position: Optional[int] = None,
        memory_limit: Union[int, str, None] = None,
        bos: Optional[bool] = None,
    ) -> Result:
        """Activation patching: the clean text's values in the corrupt run, one place at a time; `noising` the reverse.

        Values are normalised: 0 is the corrupt run, 1 the clean one. Arrays: hook_resid_pre, hook_attn_out and
        hook_mlp_out [layer, pos], attn.hook_z [layer, head].
        """
        return self._ask("patch", locals())

    def ablate(
        self,
        text: Text,
        *,
        parts: Union[str, Sequence[str]] = ("heads", "attn", "mlps", "blocks"),
        mean: bool = False,
        reference: Union[str, Sequence[str], None] = None,
        neurons: Optional[int] = None,
        target: Optional[Target] = None,
        metric: Metric = "log_prob",
        position: Optional[int] = None,
        top: int = 20,
        memory_limit: Union[int, str, None] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """Every head, attention, MLP, block or group of `neurons` taken away in turn.

        Arrays: the metric without the part, head [layer, head], attn, mlp and block [layer], and the same with "_kl".
        """
        return self._ask("ablate", locals())

    def edges(
        self,
        text: Text,
        *,
        corrupt: Optional[str] = None,
        mean: bool = False,
        target: Optional[Target] = None,
        metric: Metric = "log_prob",
        top: int = 20,
        memory_limit: Union[int, str, None] = None,
        bos: Optional[bool] = None,
    ) -> Result:
        """Path patching: every edge from a head or MLP to a later one, patched alone.

        values: the metric [sender, receiver], NaN where there is no edge.
        """
        return self._ask("edges", locals())

    def steer(
        self,
        text: Text,
        *,
        positive: Union[str, Sequence[str], None] = None,
        negative: Union[str, Sequence[str], None] = None,
        positive_file: Optional[Path] = None,
        negative_file: Optional[Path] = None,
        all_positions: bool = False,
        vectors: Optional[Path] = None,
        hook: str = "hook_resid_post",
        save: Optional[Path] = None,
        layers: Indices = "all",
        strengths: Sequence[float] = (-8, -4, -2, -1, 1, 2, 4, 8),
        layer: Union[int, str, None] = None,
        strength: float = 4,
        max_new: int = 30,
        temperature: float = 0,
        top_k: int = 0,
        top_p: float = 1,
        seed: int = 0,
        target: Optional[Target] = None,
        metric: Metric = "kl",
        memory_limit: Union[int, str, None] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """A direction from two sets of prompts, its effect by block and strength, and a text written under it.

        values: the metric [layer, strength]; result["vectors"] [block, d_model] are the directions.
        """
        return self._ask("steer", locals())

    def compare(
        self,
        group_a: Sequence[str],
        group_b: Sequence[str],
        *,
        at: str = "hook_resid_post",
        norms: bool = False,
        position: Union[str, int] = "last",
        top: int = 20,
        alpha: float = 0.05,
        folds: int = 5,
        penalty: float = 1,
        shuffles: int = 20,
        seed: int = 0,
        correlation: Literal["spearman", "pearson"] = "spearman",
        with_model: Optional[str] = None,
        draw: Literal["effects", "rsa", "prompts"] = "effects",
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """Two groups of prompts: every neuron, dimension or head tested, a probe at each block, RSA.

        at: a hook point of every block, such as "mlp.hook_post" or "attn.hook_z", or a name or glob of one hook
        norms: compare the norms of the heads, or of whole vectors, instead of single numbers
        position: of each prompt: "last", "mean" over all positions, or an index
        alpha, folds, penalty, shuffles: the level of significance; the probe's cross-validation, its L2 penalty, and how
        often labels are shuffled for its chance level
        with_model: another model, whose similarities between the same prompts are the columns of result["rsa"]
        values: Cohen's d [point, unit]; other arrays of that shape are mean_a, mean_b, t, degrees, p, p_bonferroni,
        p_fdr and auc; accuracy, probe_auc and chance_accuracy [point]; rsa [point, point]; similarities [point, prompt,
        prompt]. `draw` chooses the content of the figure.
        """
        return self._ask("compare", {**locals(), "position": str(position)})

    def lens(
        self,
        text: Text,
        *,
        top: int = 5,
        positions: Indices = "all",
        depths: Indices = "all",
        at: Literal["resid", "resid_mid", "attn_out", "mlp_out"] = "resid",
        target: Union[str, int, None] = None,
        color: Literal["prob", "rank", "entropy", "kl"] = "prob",
        raw: bool = False,
        compare: bool = False,
        no_effect: bool = False,
        edits: Edits = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """The logit lens: what each depth would predict; `depths` are the rows to read, `color` is of the figure.

        raw: without the final norm, through the unembedding alone
        values: the probability of the target, or of the model's final prediction [depth, pos]; result["ids"] and
        result["probs"] [depth, pos, top]; result["entropy"] and result["kl"] [depth, pos], nats.
        """
        return self._ask("lens", locals())

    def attention(
        self,
        text: Text,
        *,
        heads: Union[str, Sequence[str], None] = None,
        layer: Optional[Indices] = None,
        positions: Indices = "all",
        thumbnails: int = 0,
        no_scores: bool = False,
        repeat: bool = False,
        by: Literal["previous", "first", "current", "duplicate", "induction", "entropy"] = "induction",
        top: int = 12,
        compare: bool = False,
        no_effect: bool = False,
        edits: Edits = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """What each head looks at: scores of all heads, and the patterns of chosen ones ("L5H3").

        repeat: read the text twice in a row, by which induction heads are found
        positions: the queries and keys of the patterns; `no_scores` gives the patterns alone
        thumbnails: the side of small pictures of all heads, result["thumbnails"] [layer, head, query, key]
        values: patterns [head, query, key], or without any the induction scores [layer, head].
        """
        return self._ask("attention", locals())

    def attribution(
        self,
        text: Text,
        *,
        target: Optional[Target] = None,
        position: Union[int, str, None] = None,
        heads: Union[str, Sequence[str], None] = None,
        top: int = 10,
        edits: Edits = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """Which parts write a logit, or the difference of two: components, heads, neurons, source positions.

        values: components [component]; result["heads"] [layer, head], result["by_source"] [block, pos].
        """
        return self._ask("attribution", locals())

    def geometry(
        self,
        text: Text,
        *,
        draw: Literal["measures", "trajectory", "cka", "dimension", "nearest"] = "measures",
        at: Literal["resid", "hidden"] = "resid",
        tokens: Optional[Indices] = None,
        token: Union[int, str, None] = None,
        top: int = 5,
        variance: float = 0.95,
        seed: int = 0,
        edits: Edits = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """Hidden states in space: norms, effective dimension, anisotropy, CKA, paths, nearest tokens.

        variance: the share of the variance for components [depth], the number of principal components that have it,
        and shuffled_components, the same after each dimension was permuted over the tokens with `seed`
        values: norms [depth, token]; other arrays are participation_ratio, anisotropy, anisotropy_centred [depth], cka,
        cka_debiased [depth, depth] and trajectories [token, depth, 2]. `draw` chooses the content of the figure.
        """
        return self._ask("geometry", locals())

    def embeddings(
        self,
        words: Optional[Target] = None,
        *,
        table: Literal["embedding", "unembedding"] = "embedding",
        space: bool = False,
        analogies: Union[str, Sequence[str], None] = None,
        top: int = 8,
        draw: Literal["matrix", "vectors", "scatter", "map", "nearest"] = "matrix",
    ) -> Result:
        """Words in the embedding or unembedding: vectors, cosines, nearest tokens, sums such as "king - man + woman".

        words: texts, of which the first token counts, or ids; `space` puts a space before each text, as inside a
        sentence; a word in double quotes in an analogy keeps its own
        values: vectors [word, d_model]; norms [word], cosines [word, word], map [word, 2] (principal components).
        """
        return self._ask("embeddings", locals())

    def verify(
        self,
        text: Text,
        *,
        edits: Edits = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Result:
        """The largest error of every hook point against float64; values: max_rel [hook point]."""
        return self._ask("verify", locals())

    @overload
    def generate(
        self, text: Text, *, stream: Literal[False] = False, max_new: int = ..., temperature: float = ...,
        top_k: int = ..., top_p: float = ..., seed: int = ..., stops: Union[str, Sequence[str], None] = ...,
        ignore_end: bool = ..., samples: int = ..., edit_scope: Literal["new", "all"] = ..., save: Optional[Path] = ...,
        captures: Union[str, Sequence[str], None] = ..., edits: Edits = ..., corrupt: Optional[str] = ...,
        bos: Optional[bool] = ..., truncate: bool = ...,
    ) -> Generation: ...

    @overload
    def generate(
        self, text: Text, *, stream: Literal[True], max_new: int = ..., temperature: float = ...,
        top_k: int = ..., top_p: float = ..., seed: int = ..., stops: Union[str, Sequence[str], None] = ...,
        ignore_end: bool = ..., samples: int = ..., edit_scope: Literal["new", "all"] = ..., save: Optional[Path] = ...,
        captures: Union[str, Sequence[str], None] = ..., edits: Edits = ..., corrupt: Optional[str] = ...,
        bos: Optional[bool] = ..., truncate: bool = ...,
    ) -> Stream: ...

    def generate(
        self,
        text: Text,
        *,
        stream: bool = False,
        max_new: int = 40,
        temperature: float = 0,
        top_k: int = 0,
        top_p: float = 1,
        seed: int = 0,
        stops: Union[str, Sequence[str], None] = None,
        ignore_end: bool = False,
        samples: int = 1,
        edit_scope: Literal["new", "all"] = "new",
        save: Optional[Path] = None,
        captures: Union[str, Sequence[str], None] = None,
        edits: Edits = None,
        corrupt: Optional[str] = None,
        bos: Optional[bool] = None,
        truncate: bool = False,
    ) -> Union[Generation, Stream]:
        """The text continued: a Generation, or with `stream` an iterator of its pieces as they are written.

        temperature: 0 takes the likeliest token each time; 1 draws as the model says
        samples: continuations with the seeds seed, seed + 1, …, each as a single call with its seed gives it
        edit_scope: "new", edits act on new tokens alone; "all", as if the whole text so far were run with them
        """
        arguments = locals()
        if stream:
            return self._stream(arguments)
        made = self._ask("generate", arguments)
        assert isinstance(made, Generation)
        return made
