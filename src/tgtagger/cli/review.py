"""`tgtagger tag --review`: posts with the tags that they would get, and a person's word on each.

Where nobody can answer, and with `--json`, the proposals are only printed.
"""

from __future__ import annotations

from tgtagger.cli.events import RunEvents
from tgtagger.cli.prompts import ask_line, choose, is_asked
from tgtagger.cli.render import Screen
from tgtagger.cli.reports import tell_tag
from tgtagger.cli.wording import number, one_line, plural
from tgtagger.config import Settings
from tgtagger.errors import InputError
from tgtagger.model.refs import post_name
from tgtagger.model.tagging import Proposal
from tgtagger.runs import review as runs
from tgtagger.runs import shapes
from tgtagger.runs.review import Review
from tgtagger.runs.tag import TagOptions

MANY = 10
"""Posts that lose a blocked tag without a question, at most."""

_ANSWERS = "[a]ccept, [e]dit, [n]ever, [s]kip, [q]uit"
_EDIT = "tags, with commas (+tag adds one, -tag takes one off)"


def review(
    screen: Screen, settings: Settings, options: TagOptions, *, nothing: str, as_json: bool
) -> int:
    """Show posts with what they would get; where a person can answer, do what the answer says."""
    if as_json or not is_asked():
        return _print(screen, settings, options, nothing=nothing, as_json=as_json)
    with runs.review(settings, options, RunEvents(screen)) as begun:
        total = begun.count()
        for at, proposal in enumerate(begun.proposals(), 1):
            screen.line(f"{number(at)} of {number(total)}", "bold")
            if not _decide(screen, begun, proposal):
                break
        summary = begun.summary()
    tell_tag(screen, summary, nothing="nothing was given" if total else nothing)
    if summary.posts > summary.failed:
        screen.say(f"to undo what you accepted: tgtagger tags undo {begun.run}")
    return summary.code


def _print(
    screen: Screen, settings: Settings, options: TagOptions, *, nothing: str, as_json: bool
) -> int:
    with runs.look(settings, options, RunEvents(screen)) as begun:
        found = list(begun.proposals())
        summary = begun.summary()
        if as_json:
            screen.json([shapes.proposal(proposal, begun.post(proposal)) for proposal in found])
        else:
            for proposal in found:
                _draw(screen, begun, proposal)
    if summary.stopped is not None or not found:
        tell_tag(screen, summary, nothing=nothing, sums_up=not as_json)
    elif not as_json:
        screen.sum_up(f"{plural(len(found), 'proposal')}; no post was changed")
    return summary.code


def _decide(screen: Screen, begun: Review, proposal: Proposal) -> bool:
    """Ask about a proposal until it is settled; tell whether to go on."""
    _draw(screen, begun, proposal)
    while proposal.update.status != "failed":
        answer = choose(_ANSWERS, "aensq", default="a")
        match answer:
            case "a":
                _tell(screen, is_given=begun.accept(proposal))
            case "e":
                names = _edited(screen, proposal)
                if names is None:
                    continue
                _tell(screen, is_given=begun.edit(proposal, names))
            case "n":
                again = _block(screen, begun, proposal)
                if again is not None:
                    proposal = again
                    _draw_tags(screen, proposal)
                continue
        return answer != "q"
    return True


def _tell(screen: Screen, *, is_given: bool) -> None:
    if not is_given:
        screen.warn("not stored: the post was edited meanwhile")


def _edited(screen: Screen, proposal: Proposal) -> list[str] | None:
    """Return the tags that a person types; None: there is a word that cannot be a tag."""
    proposed = [tag.name for tag in proposal.tags]
    try:
        return runs.edited(proposed, ask_line(_EDIT))
    except InputError as error:
        screen.warn(error.message)
        return None


def _block(screen: Screen, begun: Review, proposal: Proposal) -> Proposal | None:
    """Block a tag of a proposal; return what is left of the proposal, None if nothing changed."""
    if not proposal.tags:
        screen.warn("there is no tag to block")
        return None
    typed = ask_line("which tag shall no post get again? (its number or name)")
    tag = runs.named(proposal, typed)
    if tag is None:
        screen.warn("there is no such tag here")
        return None
    if (tag.posts or 0) > MANY:
        question = f"{tag.name} goes off {plural(tag.posts or 0, 'post')}, too: [y]es, [n]o"
        if choose(question, "yn", default="n") == "n":
            return None
    begun.block(tag.name)
    screen.say(f"blocked {tag.name!r}; to undo it: tgtagger tags undo")
    return begun.again(proposal)


# ---- what is shown


def _draw(screen: Screen, begun: Review, proposal: Proposal) -> None:
    post = begun.post(proposal)
    screen.post(
        channel=post.channel.title,
        date=post.date,
        link=post.url or post_name(proposal.update.id),
        text=((post.text, False),),
        tags=(),
        notes=[f"“{one_line(words)}”" for item in post.media for words in item.words],
    )
    _draw_tags(screen, proposal)


def _draw_tags(screen: Screen, proposal: Proposal) -> None:
    update = proposal.update
    if update.status == "failed":
        screen.line(f"  not tagged ({update.failure}): {update.error}", "yellow")
    elif not proposal.tags:
        screen.line("  no tags: there is nothing to tag", "dim")
    for at, tag in enumerate(proposal.tags, 1):
        known = "new" if tag.posts is None else plural(tag.posts, "post")
        screen.line(f"  {at:>2}  {tag.name}  ({known})", "green")
    for words, names in (("in place of", proposal.replaced), ("beside", proposal.kept)):
        if names:
            screen.line(f"  {words}: {', '.join(names)}", "dim")
    screen.write()
