"""What the report of decarburization shows besides its results: tables, charts and the statements of the method."""

from collections.abc import Sequence

from inspect_tool.languages import Text, joined, named, recognized
from inspect_tool.model import Cell, Chart, Series, Standard, Statement, Table, Wording
from inspect_tool.recipes._common import length_unit, specimens_of
from inspect_tool.recipes.decarburisation.settings import DEPTHS, Settings
from inspect_tool.recipes.decarburisation.values import Measured

WORDING = Wording(
    titles={
        **{f"{depth}_depth": Text(f"decarburisation.column_{depth}") for depth in DEPTHS},
        **{f"mean_{depth}_depth": Text(f"decarburisation.column_{depth}") for depth in DEPTHS},
        "inner": Text("decarburisation.column_inner"),
        "inner_dof": Text("decarburisation.column_inner_dof"),
        "shapes": Text("decarburisation.column_shapes"),
        "total_depth_u": Text("decarburisation.column_place_u"),
        "core_ferrite": Text("decarburisation.title_core"),
        "core_inner": Text("decarburisation.column_core_inner"),
        "core_inner_dof": Text("decarburisation.column_core_inner_dof"),
        "surface_recovered": Text("decarburisation.column_surface_recovered"),
        "structure": Text("decarburisation.column_structure"),
        "unchanged": Text("decarburisation.column_unchanged"),
        "bound": Text("decarburisation.column_bound"),
        "beyond": Text("decarburisation.column_beyond"),
        "surface": Text("decarburisation.column_surface"),
        "reach": Text("decarburisation.column_reach"),
        "rim": Text("decarburisation.column_rim"),
        "places_apart": Text("decarburisation.column_places_apart"),
        "others_without_depth": Text("decarburisation.column_others"),
        "along": Text("decarburisation.column_along"),
    },
    feature="place",
    judged={
        "decarburisation.title_profile": ("mean_total_depth_um",),
        "decarburisation.title_along": ("mean_total_depth_um",),
    },
)


def tables(fields: Sequence[Measured]) -> tuple[Table, ...]:
    """Depths of the mean profile of every field; those of its places are the table of its features."""
    unit, mark = length_unit(fields)
    profiles: list[tuple[Cell, ...]] = [
        (
            field.specimen,
            field.field,
            *(float(getattr(field.values.numbers, f"{depth}_depth")[unit]) for depth in DEPTHS),
            field.values.numbers.core_ferrite_percent,
            field.values.surface_recovered_percent,
            field.values.surface[unit],
        )
        for field in fields
    ]
    depths = tuple(
        Text("page.head_with_unit", head=Text(f"decarburisation.column_{depth}"), unit=mark) for depth in DEPTHS
    )
    return (
        Table(
            title=Text("decarburisation.title_profiles"),
            columns=(
                Text("words.specimen"),
                Text("words.field"),
                *depths,
                Text("page.head_with_unit", head=Text("decarburisation.title_core"), unit="%"),
                Text("page.head_with_unit", head=Text("decarburisation.column_surface_recovered"), unit="%"),
                Text("page.head_with_unit", head=Text("decarburisation.column_surface"), unit=mark),
            ),
            rows=tuple(profiles),
            note=joined(" ", (Text("decarburisation.note_profiles"), Text("decarburisation.note_places"))),
        ),
    )


def charts(fields: Sequence[Measured]) -> tuple[Chart, ...]:
    """The profile of ferrite below the surface, as measured and as fitted, and the depths of the places."""
    made = []
    unit, mark = length_unit(fields)
    for specimen, mine in specimens_of(fields):
        depth_label = Text("page.head_with_unit", head=Text("decarburisation.axis_depth"), unit=mark)
        profiles = []
        for field in mine:
            name = Text("page.a_field", field=str(field.field))
            profiles.append(Series(name=name, x=field.curves["depth"], y=field.curves["ferrite"]))
        if len(mine) == 1:
            fitted = mine[0].curves
            profiles.append(Series(name=Text("decarburisation.series_fitted"), x=fitted["depth"], y=fitted["fitted"]))
        made.append(
            Chart(
                kind="cumulative",
                title=Text("decarburisation.title_profile", specimen=specimen),
                x_label=depth_label,
                y_label=Text("page.head_with_unit", head=Text("decarburisation.axis_ferrite"), unit="%"),
                series=tuple(profiles),
            )
        )
        made.append(
            Chart(
                kind="points",
                title=Text("decarburisation.title_along", specimen=specimen),
                x_label=Text("page.head_with_unit", head=Text("decarburisation.column_along"), unit=mark),
                y_label=Text("page.head_with_unit", head=Text("decarburisation.column_total"), unit=mark),
                series=tuple(
                    Series(
                        name=Text("page.a_field", field=str(field.field)),
                        x=tuple(field.features[f"along_{unit}"].astype(float).tolist()),
                        y=tuple(field.features[f"total_depth_{unit}"].astype(float).tolist()),
                    )
                    for field in mine
                ),
            )
        )
    return tuple(made)


def statements(settings: Settings, standard: Standard) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    reached = settings.reached_percent
    outside = joined(", ", (named("terms", name) for name in settings.outside))
    return (
        Statement(
            name=Text("decarburisation.ends"),
            text=Text("decarburisation.ends_text", reached=reached, left=100 - reached),
        ),
        Statement(
            name=Text("decarburisation.surface"),
            text=Text("decarburisation.surface_text", outside=outside, crack=settings.crack_px),
        ),
        Statement(name=Text("decarburisation.profile"), text=Text("decarburisation.profile_text")),
        Statement(
            name=Text("decarburisation.places"), text=Text("decarburisation.places_text", places=settings.places)
        ),
        Statement(
            name=Text("decarburisation.edition"),
            text=joined(" ", (recognized("notes", note) for note in standard.notes)),
        ),
    )
