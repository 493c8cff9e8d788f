"""The table of features that the page on the screen gives to its script, back in rows."""


def unpacked(data):
    """Rows of the columns that ``screen.feature_data`` wrote."""
    columns = []
    for column in data["columns"]:
        if "same" in column:
            values = [column["same"]] * data["count"]
        elif "bits" in column:
            values = [{"0": False, "1": True, "-": None}[bit] for bit in column["bits"]]
        elif "of" in column:
            values = [column["of"][i] for i in column["at"]]
        else:
            values = column["values"]
        columns.append(values)
    return [list(row) for row in zip(*columns, strict=True)]
