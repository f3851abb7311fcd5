"""What an operator fills in to have a snapshot built, a run fitted or a family retrained."""

from typing import Any

from django import forms

from inference.models import Family
from mlops.services.criteria import GROUND_TRUTH, Criteria
from mlops.services.experiments import Wanted
from mlops.services.retraining import Plan
from mlops.training.recipes import RECIPES
from recordings.models import LabelSet
from tenants.console import Order, ReasonForm

MADE_UP = LabelSet.Source.SYNTHETIC.value


class SnapshotForm(ReasonForm):
    first_on = forms.DateField(
        required=False, label="First evening", widget=forms.DateInput(attrs={"type": "date"})
    )
    last_on = forms.DateField(
        required=False, label="Last evening", widget=forms.DateInput(attrs={"type": "date"})
    )
    takes_made_up = forms.BooleanField(
        required=False,
        label="Also what a simulator labelled",
        help_text="Then nothing that is measured by it says anything of people; it is marked so.",
    )
    field_order = ("first_on", "last_on", "takes_made_up", "reason")


def criteria_of(order: Order) -> Criteria:
    known = order.answers
    made_up = (MADE_UP,) if known["takes_made_up"] else ()
    return Criteria(
        label_sources=(*GROUND_TRUTH, *made_up),
        first_on=known.get("first_on"),
        last_on=known.get("last_on"),
    )


class RecipeForm(ReasonForm):
    recipe = forms.ChoiceField(choices=[(name, name) for name in RECIPES])
    family = forms.ChoiceField(choices=Family.choices, initial=Family.NIGHT.value)
    settings = forms.CharField(
        required=False,
        max_length=200,
        help_text="Over the recipe's own, such as: l2_times=2 every=4. Empty: its own.",
    )
    field_order = ("experiment", "recipe", "family", "seed", "takes_made_up", "settings", "reason")

    def clean_settings(self) -> dict[str, float]:
        """Numbers by name; what a recipe takes of them is the service's to say."""
        found: dict[str, float] = {}
        for part in self.cleaned_data["settings"].split():
            name, _, value = part.partition("=")
            try:
                found[name] = int(value) if value.lstrip("-").isdecimal() else float(value)
            except ValueError:
                raise forms.ValidationError(f"{part}: expected NAME=NUMBER") from None
        return found


class RunForm(RecipeForm):
    experiment = forms.CharField(max_length=80, help_text="Opened where there is none so called.")
    seed = forms.IntegerField(min_value=0, max_value=2**32 - 1, initial=1)


class RetrainForm(RecipeForm):
    takes_made_up = forms.BooleanField(
        required=False,
        label="Also nights that a simulator labelled",
        help_text="For trying it out: the candidate's figures then say nothing of people.",
    )


def wanted_of(dataset: Any, order: Order) -> Wanted:
    known = order.answers
    wanted = Wanted(dataset, known["recipe"], known["family"], known["seed"], known["settings"])
    wanted.check()
    return wanted


def plan_of(order: Order) -> Plan:
    known = order.answers
    return Plan(
        family=known["family"],
        criteria=criteria_of(order),
        recipe=known["recipe"],
        hyperparameters=known["settings"],
    )
